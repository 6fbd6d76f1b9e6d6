import { Type } from 'typebox';
import { LISTED } from './limits.ts';

/**
 * Describes GET and POST /alerts at /docs, and nothing else: judge.ts reads what is sent, and takes
 * more than this.
 */
const NotificationSchema = Type.Object(
  {
    version: Type.Optional(
      Type.Union([Type.Literal('4'), Type.Literal('1')], {
        description: '"4" of Alertmanager or "1" of Grafana; "4" if it is missing',
      }),
    ),
    groupKey: Type.Optional(Type.String({ description: 'Identifies the group of alerts' })),
    status: Type.Optional(
      Type.String({ description: 'firing or resolved: for alerts that have none of their own' }),
    ),
    externalURL: Type.Optional(Type.String({ description: 'Where the sender can be reached' })),
    truncatedAlerts: Type.Optional(
      Type.Integer({ description: 'How many alerts max_alerts of the sender cut off' }),
    ),
    alerts: Type.Array(
      Type.Object({
        labels: Type.Object(
          { alertname: Type.String({ minLength: 1 }) },
          { additionalProperties: Type.String() },
        ),
        status: Type.Optional(Type.Union([Type.Literal('firing'), Type.Literal('resolved')])),
        startsAt: Type.Optional(
          Type.String({ description: 'RFC 3339. The time of receipt if it is missing' }),
        ),
        endsAt: Type.Optional(Type.String({ description: 'RFC 3339, of a resolved alert' })),
        annotations: Type.Optional(Type.Object({}, { additionalProperties: Type.String() })),
        generatorURL: Type.Optional(Type.String()),
        fingerprint: Type.Optional(
          Type.String({ description: 'Computed from the labels if it is missing' }),
        ),
      }),
      { minItems: 1, description: 'Each is judged on its own. Further fields are ignored' },
    ),
  },
  { description: "A notification of Alertmanager's webhook receiver. null is absent" },
);

const Failure = (description: string) => Type.Object({ error: Type.String() }, { description });
const Rejections = Type.Array(
  Type.Object({
    index: Type.Integer({ description: 'Its place in alerts' }),
    alertname: Type.Optional(Type.String()),
    reason: Type.String({ description: 'What is wrong, and where' }),
  }),
  { description: `The first ${LISTED} alerts that are invalid` },
);

export const GET_SCHEMA = {
  tags: ['alerts'],
  summary: 'Check that alerts can be sent to this URL',
  response: { 200: Type.String({ description: 'OK' }) },
};

export const POST_SCHEMA = {
  tags: ['alerts'],
  summary: 'Receive a notification from Alertmanager',
  consumes: ['application/json'],
  body: NotificationSchema,
  response: {
    200: Type.Object(
      {
        queued: Type.Integer({ description: 'Alerts with a new remediation' }),
        absorbed: Type.Integer({
          description: 'Alerts whose remediation is already waiting or running',
        }),
        remediations: Type.Array(Type.String(), {
          description: `The ids of the first ${LISTED} new remediations`,
        }),
        rejected: Rejections,
        warnings: Type.Optional(
          Type.Array(Type.String(), {
            description: 'What is wrong with the notification but was ignored',
          }),
        ),
      },
      { description: 'All valid alerts are stored in Redis' },
    ),
    400: Type.Object(
      { error: Type.String(), rejected: Type.Optional(Rejections) },
      { description: 'Not a notification, or a notification without a valid alert' },
    ),
    401: Failure('Missing or wrong credentials, or no valid client certificate'),
    413: Failure('The body is larger than OPENFERO_BODY_LIMIT, or has too many alerts or values'),
    415: Failure('The body is not application/json, or it is compressed'),
    503: Failure('Not stored: send the notification again, as Alertmanager does'),
  },
};

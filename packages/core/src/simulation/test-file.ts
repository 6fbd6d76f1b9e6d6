import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parseDuration } from '../duration.ts';
import { ENDS, HELD_REASONS } from '../outcome.ts';
import { type LineOf, readLines } from '../yaml/lines.ts';
import { InvalidYaml, parseManifest } from '../yaml/yaml.ts';

const object = <T extends Record<string, TSchema>>(properties: T, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
const text = (description: string) => Type.String({ description });
const oneOf = (values: readonly string[], description: string) =>
  Type.Unsafe<string>(Type.Enum([...values], { description }));
const Texts = (description: string) =>
  Type.Unsafe<Readonly<Record<string, string>>>(
    Type.Object({}, { additionalProperties: Type.String(), description }),
  );

const TestAlert = object(
  {
    labels: Texts('The labels of the alert, alertname among them.'),
    annotations: Type.Optional(Texts('The annotations of the alert.')),
    status: Type.Optional(oneOf(['firing', 'resolved'], 'firing unless it says resolved.')),
    startsAt: Type.Optional(text('Filled in: when these labels began to fire.')),
    endsAt: Type.Optional(text('Filled in for a resolved alert: now.')),
    fingerprint: Type.Optional(text('Filled in as Alertmanager computes it.')),
    generatorURL: Type.Optional(text('The link to Prometheus.')),
  },
  'An alert of the notification.',
);

const Notify = object(
  {
    alerts: Type.Array(TestAlert, { minItems: 1 }),
    groupKey: Type.Optional(text('Identifies the group of alerts.')),
    externalURL: Type.Optional(text('The link to Alertmanager.')),
  },
  'A notification as Alertmanager sends it.',
);

const Expected = object(
  {
    outcome: oneOf([...ENDS, 'held'], 'What became of the alert.'),
    operarius: Type.Optional(text('The name of the ConfigMap.')),
    held: Type.Optional(oneOf(HELD_REASONS, 'With held: why.')),
    reason: Type.Optional(text('A part of the reason.')),
    env: Type.Optional(Texts('Variables that every container of the Job has.')),
    job: Type.Optional(Type.Unsafe<object>(Type.Object({}, { description: 'A part of the Job.' }))),
  },
  'What is expected of one alert.',
);

const TestStep = object(
  {
    after: Type.Optional(text('Time that passes first, such as 5m.')),
    finish: Type.Optional(
      oneOf(['succeeded', 'failed'], 'How all Jobs end that were created so far.'),
    ),
    notify: Type.Optional(Notify),
    again: Type.Optional(Type.Literal(true, { description: 'Repeats the notification before.' })),
    expect: Type.Optional(
      Type.Array(Expected, {
        description:
          'One for each alert of the notification, in order. Without a notification: one for each alert that was held, and has ended in this step.',
      }),
    ),
  },
  'Time passes, Jobs end, then a notification is received: each of them may be left out.',
);

const TestCase = object(
  {
    name: text('What is shown to users.'),
    settings: Type.Optional(Texts('Settings of the worker for this test.')),
    steps: Type.Array(TestStep, { minItems: 1 }),
  },
  'One test. Each begins with no Jobs and an empty memory.',
);

/** What `openfero test` reads, as JSON Schema too. */
export const TestFileSchema = Type.Object(
  {
    operarii: Type.Array(Type.String(), {
      minItems: 1,
      description: 'Files, folders and globs of operarii, from the folder of this file.',
    }),
    settings: Type.Optional(Texts('Settings of the worker, as in its environment.')),
    tests: Type.Array(TestCase, { minItems: 1 }),
  },
  { additionalProperties: false, title: 'Tests of operarii', description: 'openfero test' },
);

export type TestFile = Readonly<Static<typeof TestFileSchema>>;
export type TestCase = Readonly<Static<typeof TestCase>>;
export type TestStep = Readonly<Static<typeof TestStep>>;
export type Expected = Readonly<Static<typeof Expected>>;

const schema = Compile(TestFileSchema);

/** It is no file of tests. One line; the line of the text where it is known. */
export class InvalidTestFile extends Error {
  readonly line: number;
  constructor(problem: string, line: number) {
    super(problem);
    this.line = line;
  }
}

/**
 * Reads a file of tests.
 *
 * @throws {InvalidTestFile}
 */
export function readTestFile(content: string): {
  readonly file: TestFile;
  readonly lineOf: LineOf;
} {
  const lineOf = readLines(content);
  const value = parse(content);
  if (schema.Check(value)) {
    refuseWrongTimes(value, lineOf);
    return { file: value, lineOf };
  }
  const [first] = schema.Errors(value);
  const path = pathOf(first?.instancePath ?? '');
  const problem = problemOf(path, first?.message ?? 'is wrong');
  throw new InvalidTestFile(`${path === '' ? 'the file' : path} ${problem}`, lineOf(path));
}

function problemOf(path: string, message: string): string {
  // What TypeBox says of a key that the schema does not have.
  if (message === 'schema is false') return 'is not known: check its spelling';
  if (!path.endsWith('.outcome')) return message;
  return `is none of ${[...ENDS, 'held'].join(', ')}; put off in quotes`;
}

function parse(content: string): unknown {
  try {
    return parseManifest(content);
  } catch (error) {
    if (!(error instanceof InvalidYaml)) throw error;
    throw new InvalidTestFile(error.why, error.line ?? 1);
  }
}

/** `/tests/0/steps` is `tests[0].steps`. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

function refuseWrongTimes({ tests }: TestFile, lineOf: LineOf): void {
  for (const [i, { steps }] of tests.entries()) {
    for (const [k, step] of steps.entries()) {
      const path = `tests[${i}].steps[${k}]`;
      const isFirst = steps.slice(0, k).every(({ notify }) => notify === undefined);
      const wrong = whatIsWrong(step, isFirst);
      if (wrong !== undefined)
        throw new InvalidTestFile(wrong.problem, lineOf(`${path}.${wrong.key}`));
    }
  }
}

function whatIsWrong({ after, notify, again }: TestStep, isFirst: boolean) {
  if (after !== undefined && parseDuration(after) === undefined) {
    return { key: 'after', problem: `after is ${after}: write a duration such as 5m` };
  }
  if (again === undefined || (notify === undefined && !isFirst)) return undefined;
  const problem =
    notify === undefined
      ? 'again repeats the notification of a step before: there is none'
      : 'a step has notify or again, not both';
  return { key: 'again', problem };
}

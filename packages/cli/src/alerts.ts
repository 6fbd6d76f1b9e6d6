import { readFile } from 'node:fs/promises';
import { messageOf } from '@openfero/core/errors';
import { isObject } from '@openfero/core/kubernetes';
import { CouldNotAsk, type Terminal } from './terminal.ts';

/** How a person names an alert. */
export interface AlertOptions {
  /** `name=value` each. */
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  readonly resolved?: boolean;
}

/**
 * Reads an alert that a person gives: labels, or a file with a notification, one alert or a list of them.
 *
 * @param path `-` for standard input
 * @returns the notification, as Alertmanager sends it
 * @throws {CouldNotAsk}
 */
export async function readAlertArgument(
  path: string | undefined,
  options: AlertOptions,
  terminal: Terminal,
): Promise<Readonly<Record<string, unknown>>> {
  const { label, annotation, resolved = false } = options;
  if (path === undefined && label === undefined) {
    throw new CouldNotAsk(
      'which alert? Give its labels (-l alertname=Disk -l node=a), or a file with it as JSON',
    );
  }
  if (path !== undefined && label !== undefined) {
    throw new CouldNotAsk(`both labels and the file ${path} were given: leave one out`);
  }
  const now = new Date(terminal.now()).toISOString();
  const body =
    path === undefined
      ? { labels: pairs('-l', label), annotations: pairs('-a', annotation) }
      : parse(await read(path, terminal), path);
  return notificationOf(body, { now, isResolved: resolved });
}

function pairs(option: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined) {
        throw new CouldNotAsk(`${option} ${text}: write name=value`);
      }
      return [name, value];
    }),
  );
}

async function read(path: string, terminal: Terminal): Promise<string> {
  if (path === '-') return terminal.stdin();
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CouldNotAsk(`cannot read ${path}: ${messageOf(error)}`);
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CouldNotAsk(`${path} is not JSON: ${messageOf(error)}`);
  }
}

interface Filling {
  /** RFC 3339. */
  readonly now: string;
  readonly isResolved: boolean;
}

function notificationOf(body: unknown, filling: Filling): Readonly<Record<string, unknown>> {
  if (isObject(body) && Array.isArray(body['alerts'])) return body;
  const alerts = (Array.isArray(body) ? body : [body]).map((alert) => filled(alert, filling));
  const status = filling.isResolved ? 'resolved' : 'firing';
  return { version: '4', status, groupKey: '{}:{}', externalURL: '', alerts };
}

/** An alert that a person writes says its labels, and what Alertmanager would add is added. */
function filled(alert: unknown, { now, isResolved }: Filling): unknown {
  if (!isObject(alert)) return alert;
  const ends = isResolved ? { status: 'resolved', endsAt: now } : {};
  return { startsAt: now, ...alert, ...ends };
}

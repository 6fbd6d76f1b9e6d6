import type { Cluster } from '@openfero/cluster/cluster';
import { formatDuration } from '@openfero/core/duration';
import type { RearmedHow } from '@openfero/core/history/entry';
import { oneLine } from '@openfero/core/one-line';
import type { RunVerdict } from '@openfero/core/redis/verdicts';
import type { Logger } from '@openfero/service/log';

/** Where people are told of it: the log, and Events on the ConfigMap. */
export interface Told {
  readonly cluster: {
    readonly operarii: Pick<Cluster['operarii'], 'get'>;
    readonly events: Cluster['events'];
  };
  readonly log: Logger;
  /** The definitions that this worker saw stopped, until they are re-armed. */
  readonly sawStopped: Set<string>;
}

/** Tells that a run has stopped its operarius. @param row how many bad ones in a row; 0 where it goes on */
export function tellStopped(
  run: Omit<RunVerdict, 'verdict'> | undefined,
  row: number,
  { cluster, log, sawStopped }: Told,
): void {
  if (run === undefined || row === 0) return;
  const { operarius, definition, stopFor } = run;
  sawStopped.add(definition);
  const how = stopFor === 0 ? 'until a person re-arms it' : `for ${formatDuration(stopFor)}`;
  log.error(
    { operarius, definition, row, ...(stopFor > 0 && { seconds: stopFor / 1000 }) },
    'operarius stopped: its latest runs failed or did not help',
  );
  const metadata = cluster.operarii.get(operarius)?.metadata;
  if (metadata === undefined) return;
  cluster.events.record(
    metadata,
    'OperariusStopped',
    `Stopped ${how} after ${row} bad runs in a row: their Jobs failed, or their alerts still fire. Correct it, or annotate it with openfero.io/rearm`,
  );
}

const REARMED: Readonly<Record<RearmedHow, string>> = {
  definition: 'its definition has changed',
  deleted: 'it was deleted',
  time: 'the time is over; the next bad run stops it again',
  person: 'a person re-armed it in the dashboard',
};

interface Rearmed {
  readonly operarius: string;
  readonly how: RearmedHow;
  /** Who did it, where a person did. */
  readonly by: string | undefined;
}

export function tellRearmed(
  { operarius, how, by }: Rearmed,
  { cluster, log }: Omit<Told, 'sawStopped'>,
): void {
  const reason = by === undefined ? REARMED[how] : `${oneLine(by)} re-armed it in the dashboard`;
  log.info(
    { operarius, how, reason, ...(by !== undefined && { user: by }) },
    'operarius is no longer stopped',
  );
  const metadata = cluster.operarii.get(operarius)?.metadata;
  if (metadata === undefined) return;
  cluster.events.record(metadata, 'OperariusRearmed', `No longer stopped: ${reason}`);
}

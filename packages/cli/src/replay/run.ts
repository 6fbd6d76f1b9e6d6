import {
  InvalidRecord,
  type RecordedAlert,
  type Replayed,
  readRecords,
  replayRecords,
} from '@openfero/core/simulation/replay';
import { decisionSettings, readFiles } from '../definitions.ts';
import { environmentOf } from '../settings.ts';
import { readSources } from '../sources.ts';
import { CouldNotAsk, NO, type Terminal, YES } from '../terminal.ts';

/** What can be asked of `openfero replay`. */
export interface ReplayOptions {
  readonly file: readonly string[];
  readonly against?: readonly string[];
  readonly output: 'human' | 'json';
  readonly envFile?: string;
}

/** Sends recorded alerts through changed definitions. @returns 1 where something would be different */
export async function runReplay(
  paths: readonly string[],
  options: ReplayOptions,
  terminal: Terminal,
): Promise<number> {
  const env = await environmentOf(terminal, options.envFile);
  const records = (await readSources(paths, terminal)).flatMap(({ file, text }) =>
    read(file, text),
  );
  records.sort((a, b) => a.receivedAt - b.receivedAt);
  const replay = async (definitions: readonly string[]): Promise<readonly Replayed[]> => {
    const configMaps = await readFiles(definitions, env, terminal);
    return replayRecords(records, { configMaps, settings: decisionSettings(env, configMaps) });
  };
  const after = await replay(options.file);
  const before = options.against === undefined ? records : await replay(options.against);
  const changes = records.flatMap((record, i) => {
    const [old, changed] = [before[i], after[i]];
    if (old === undefined || changed === undefined || old.outcome === changed.outcome) return [];
    return [{ record, before: old.outcome, after: changed.outcome, reason: changed.reason }];
  });
  if (options.output === 'json') terminal.out(JSON.stringify(changes, null, 2));
  else for (const change of changes) terminal.out(lineOf(change));
  terminal.err(`${records.length} recorded alerts, ${changes.length} would end otherwise`);
  return changes.length === 0 ? YES : NO;
}

function read(file: string, text: string): RecordedAlert[] {
  try {
    return readRecords(text);
  } catch (error) {
    if (error instanceof InvalidRecord) throw new CouldNotAsk(`${file}: ${error.message}`);
    throw error;
  }
}

interface Change {
  readonly record: RecordedAlert;
  readonly before: string;
  readonly after: string;
  readonly reason: string;
}

function lineOf({ record, before, after, reason }: Change): string {
  const { receivedAt, status, labels } = record;
  const time = new Date(receivedAt).toISOString();
  const shown = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${time}  ${status} {${shown.join(', ')}}: ${before} -> ${after}: ${reason}`.replace(
    /\p{C}+/gu,
    ' ',
  );
}

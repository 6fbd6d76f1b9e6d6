import { isObject } from '@openfero/core/kubernetes';

/** Where a process spends its time, from a V8 profile. */
export interface Spent {
  /** Milliseconds in which it was not idle. */
  readonly busy: number;
  /** Share of the busy time by package, own file or Node itself, largest first. */
  readonly parts: readonly Share[];
  /** The same by function. */
  readonly functions: readonly Share[];
}

export interface Share {
  readonly name: string;
  readonly share: number;
}

interface Frame {
  readonly id: number;
  readonly name: string;
  readonly url: string;
}

/** Waiting, not work. */
const IDLE = new Set(['(idle)', '(root)']);

/** @param text a .cpuprofile @throws if it is not one */
export function spentIn(text: string): Spent {
  const { frames, samples, deltas } = read(JSON.parse(text));
  const byPart = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const time = deltas[index] ?? 0;
    if (frame === undefined || IDLE.has(frame.name)) continue;
    const part = partOf(frame);
    busy += time;
    add(byPart, part, time);
    add(byFunction, `${frame.name} (${part})`, time);
  }
  return { busy: busy / 1000, parts: shares(byPart, busy), functions: shares(byFunction, busy) };
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

function shares(times: ReadonlyMap<string, number>, busy: number): Share[] {
  return [...times]
    .map(([name, time]) => ({ name, share: time / busy }))
    .toSorted((a, b) => b.share - a.share);
}

function partOf({ name, url }: Frame): string {
  if (url === '') return name.startsWith('(') ? name : 'V8';
  if (url.startsWith('node:'))
    return url.replace(/^node:(internal\/)?/, 'node:').split('/')[0] ?? '';
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  return installed ?? url.replace(/.*\/(packages|services)\//, '');
}

interface Profile {
  readonly frames: ReadonlyMap<number, Frame>;
  readonly samples: readonly number[];
  /** Microseconds per sample. */
  readonly deltas: readonly number[];
}

function read(profile: unknown): Profile {
  if (!isObject(profile)) throw new Error('this is no CPU profile');
  const { nodes, samples, timeDeltas } = profile;
  const frames = (Array.isArray(nodes) ? nodes : []).map(frameOf);
  return {
    frames: new Map(frames.map((frame) => [frame.id, frame])),
    samples: numbers(samples),
    deltas: numbers(timeDeltas),
  };
}

function frameOf(node: unknown): Frame {
  const frame = isObject(node) ? node['callFrame'] : undefined;
  if (!isObject(node) || !isObject(frame)) throw new Error('this is no CPU profile');
  const name = String(frame['functionName']) || '(anonymous)';
  return { id: Number(node['id']), name, url: String(frame['url']) };
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

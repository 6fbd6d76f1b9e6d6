import type { Bed } from './bed.ts';

/** What Redis has done and holds, since it was started. */
export interface RedisCost {
  /** Those that scripts call are counted too. */
  readonly commands: number;
  /** Bytes that came and went. */
  readonly traffic: number;
  /** Bytes appended to the append-only file. */
  readonly appended: number;
  /** Bytes of memory. */
  readonly memory: number;
}

/** @returns what was done, and what is held more, between now and the call */
export async function redisFrom(bed: Bed): Promise<() => Promise<RedisCost>> {
  const before = await read(bed);
  return async () => {
    const after = await read(bed);
    return {
      commands: after.commands - before.commands,
      traffic: after.traffic - before.traffic,
      appended: after.appended - before.appended,
      memory: after.memory - before.memory,
    };
  };
}

async function read({ client }: Bed): Promise<RedisCost> {
  const info = await client.info();
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  return {
    commands: field('total_commands_processed'),
    traffic: field('total_net_input_bytes') + field('total_net_output_bytes'),
    appended: field('aof_current_size'),
    memory: field('used_memory_dataset'),
  };
}

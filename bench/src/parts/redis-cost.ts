import type { Testbed } from './testbed.ts';

/** What Redis has done since its start, and the memory it uses. */
export interface RedisCost {
  /** Includes those that scripts call. */
  readonly commands: number;
  /** Bytes received and sent. */
  readonly traffic: number;
  /** Bytes appended to the append-only file. */
  readonly appended: number;
  /** Bytes of memory. */
  readonly memory: number;
}

/** @returns the difference between now and the call of the returned function */
export async function redisFrom(testbed: Testbed): Promise<() => Promise<RedisCost>> {
  const before = await read(testbed);
  return async () => {
    const after = await read(testbed);
    return {
      commands: after.commands - before.commands,
      traffic: after.traffic - before.traffic,
      appended: after.appended - before.appended,
      memory: after.memory - before.memory,
    };
  };
}

async function read({ client }: Testbed): Promise<RedisCost> {
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

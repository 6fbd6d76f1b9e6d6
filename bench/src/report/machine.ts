import { cpus, release, totalmem } from 'node:os';

/** The machine that the figures were measured on, without its name. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release().replace(/^(\d+\.\d+).*/, '$1'),
    node: process.versions.node,
  };
}

export function describeMachine({ cores, cpu, memoryGiB, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}`;
}

import { type Command, Option } from 'commander';
import type { SwitchOptions } from '../switch/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, output, withCluster } from './options.ts';

/** Seconds: a worker that died is known to be silent after 30. */
const TIMEOUT = '40';

function withWorkers(command: Command): Command {
  return withCluster(command).addOption(
    new Option('--worker-namespace <namespace>', "that of the workers' pods").default('openfero'),
  );
}

export const stopCommand: AddCommand = (program, run) => {
  withWorkers(program.command('stop'))
    .description('stops all workers from creating Jobs, and waits until each says so')
    .option('--dry-run', 'only ask the API server whether it would accept it')
    .option('--timeout <seconds>', 'how long to wait for the workers', TIMEOUT)
    .option(...ENV_FILE)
    .addHelpText('after', AFTER)
    .action((options: SwitchOptions) =>
      run(async (terminal) =>
        (await import('../switch/run.ts')).runSwitch('off', options, terminal),
      ),
    );
};

export const resumeCommand: AddCommand = (program, run) => {
  withWorkers(program.command('resume'))
    .description('lets the workers create Jobs again, and waits until each says so')
    .option('--dry-run', 'only ask the API server whether it would accept it')
    .option('--timeout <seconds>', 'how long to wait for the workers', TIMEOUT)
    .option(...ENV_FILE)
    .addHelpText('after', AFTER)
    .action((options: SwitchOptions) =>
      run(async (terminal) =>
        (await import('../switch/run.ts')).runSwitch('run', options, terminal),
      ),
    );
};

export const statusCommand: AddCommand = (program, run) => {
  withWorkers(program.command('status'))
    .description('says what the switch is, and what each worker says of it')
    .addOption(output(['human', 'json']))
    .option(...ENV_FILE)
    .action((options: SwitchOptions & { output: 'human' | 'json' }) =>
      run(async (terminal) => (await import('../switch/run.ts')).runStatus(options, terminal)),
    );
};

const AFTER = `
Needs a kubeconfig with the rights to get, create and patch ConfigMaps and to list Events where the operarii
are, and to list pods in the namespace of the workers. With REDIS_URL the workers are asked through Redis instead.
Exit code: 0 every worker says that the switch is in force, 1 one does not, 2 could not be written or asked.`;

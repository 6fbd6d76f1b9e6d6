import { Option } from 'commander';
import type { SendOptions } from '../send/run.ts';
import type { AddCommand } from './add.ts';
import { ENV_FILE, withAlert } from './options.ts';

/** The receiver's default port, as `kubectl port-forward service/openfero-receiver 8080` makes it. */
const RECEIVER = 'http://localhost:8080';

/** Seconds: the default deadline of a Job is an hour, but nobody waits for so long. */
const TIMEOUT = '600';

export const sendCommand: AddCommand = (program, run) => {
  withAlert(program.command('send'))
    .description('sends one notification, as Alertmanager does')
    .option('--url <url>', 'the receiver', RECEIVER)
    .addOption(
      new Option(
        '--wait [what]',
        'until its outcome, or until the fate of its Job; needs REDIS_URL',
      )
        .choices(['outcome', 'fate'])
        .preset('fate'),
    )
    .option('--timeout <seconds>', 'how long to wait', TIMEOUT)
    .option(...ENV_FILE)
    .addHelpText('after', AFTER)
    .action((path: string | undefined, options: SendOptions) =>
      run(async (terminal) => (await import('../send/run.ts')).runSend(path, options, terminal)),
    );
};

const AFTER = `
OPENFERO_AUTH_USER and OPENFERO_AUTH_PASSWORD, or OPENFERO_AUTH_TOKEN, authenticate at the receiver.
Exit code: 0 accepted, with --wait every Job has succeeded; 1 not all; 2 could not be sent or asked.`;

import { type Command, Option } from 'commander';

/** `-o`, of which each command knows its own formats. The first is the default. */
export function output(formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'how to print the answer')
    .choices(formats)
    .default(formats[0]);
}

export const ENV_FILE = ['--env-file <file>', "a file with the worker's settings"] as const;
export const NO_COLOR = ['--no-color', 'print without colours'] as const;

/** How a person names an alert. */
export function withAlert(command: Command): Command {
  return command
    .argument('[alert]', 'a file with a notification or an alert as JSON; - for standard input')
    .option('-l, --label <name=value...>', 'the labels of the alert, in place of a file')
    .option('-a, --annotation <name=value...>', 'its annotations')
    .option('--resolved', 'it has resolved');
}

/** Where operarii come from. */
export function withDefinitions(command: Command): Command {
  return withCluster(
    command.option(
      '-f, --file <path...>',
      'operarii: files, folders, globs; - for standard input. By default those of the cluster',
    ),
  );
}

/** Which cluster is meant. */
export function withCluster(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', "the operarii's namespace")
    .option('--context <context>', 'of the kubeconfig');
}

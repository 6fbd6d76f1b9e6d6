import { parseArgs } from 'node:util';
import { messageOf } from '@openfero/core/errors';

/** The services of the demo. */
export type ServiceName = 'receiver' | 'worker' | 'dashboard';

export interface Options {
  /** Stop after the examples. */
  readonly once: boolean;
  /** Use a real Kubernetes API server. */
  readonly controlPlane: boolean;
  /** 0 means any free port. */
  readonly ports: Readonly<Record<ServiceName, number>>;
}

/** The option that sets the port of each service. */
export const PORT_OPTIONS = {
  receiver: '--port',
  worker: '--worker-port',
  dashboard: '--dashboard-port',
} as const satisfies Record<ServiceName, string>;

export const USAGE = `Usage: npm run demo -- [options]

Runs OpenFero on this machine, sends it alerts, and prints each outcome until you press Ctrl-C.

  --port N            Port of the receiver, by default 8080
  --worker-port N     Port of the worker, by default 8081
  --dashboard-port N  Port of the dashboard, by default 8082
  --control-plane     Use a real Kubernetes API server in place of two folders. Needs Go and openssl
  --once              Stop after the alerts
  --help              Show this help

A port of 0 means any free port.
`;

/**
 * Reads the command line.
 *
 * @returns undefined if help is requested
 * @throws one line that names what is wrong
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const ports = {
    receiver: readPort('receiver', values.port),
    worker: readPort('worker', values['worker-port']),
    dashboard: readPort('dashboard', values['dashboard-port']),
  };
  return { once: values.once, controlPlane: values['control-plane'], ports };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: '8080' },
        'worker-port': { type: 'string', default: '8081' },
        'dashboard-port': { type: 'string', default: '8082' },
        'control-plane': { type: 'boolean', default: false },
        once: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    // npm takes options before `--` for its own, and leaves their values to us.
    const [problem] = messageOf(error).split('\n');
    throw new Error(`${problem}: write npm run demo -- [options], see npm run demo -- --help`);
  }
}

const MAX_PORT = 65_535;

function readPort(service: ServiceName, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (port <= MAX_PORT) return port;
  throw new Error(`${PORT_OPTIONS[service]} ${value} is not a port: use 0 to ${MAX_PORT}`);
}

/** `npm run help`: JavaScript of its own, since it runs before Node 24 and the packages are installed. */
const COMMANDS = [
  ['npm run demo', 'Run OpenFero on this machine and send it alerts'],
  ['npm run demo -- --control-plane', 'The same on a real Kubernetes API server'],
  ['npm run demo -- --help', 'List the options of the demo, such as its ports'],
  ['npm test', 'Check format, types, unused code, and run all tests'],
  ['npm test -- FILE', 'The same checks, and the tests of one file'],
  ['npm run bench -- --help', 'Measure throughput, latency and memory: list the options'],
  ['npm run faults -- --help', 'Test the guarantees under faults: list the options'],
  ['npm run worker', 'Run a worker on this machine; its settings are environment variables'],
  ['npm run openfero -- --help', 'Check, test and explain operarii: list the commands'],
  ['npm run bundle', 'Bundle each service into one file under dist/, as in the image'],
  ['npm run image', 'Build the container image with docker, podman or buildah'],
  ['npm run screenshots', 'Take the pictures in docs/images, of the running demo'],
  ['npm run format', 'Fix the format and what the linter can fix'],
  ['npm run help', 'Show this list'],
];

const width = Math.max(...COMMANDS.map(([command]) => command.length));
for (const [command, help] of COMMANDS) console.log(`${command.padEnd(width)}  ${help}`);

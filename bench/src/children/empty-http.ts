import { createServer } from 'node:http';

/** The minimum cost of a Node service. Argument: the port. */
const [, , port] = process.argv;

createServer((_request, response) => response.end('{"status":"ok"}')).listen(
  Number(port),
  '127.0.0.1',
);

import { createServer } from 'node:http';

/**
 * The minimum cost of a Node service. Argument: the port. JavaScript, since the type stripper costs 17 MB that a
 * bundle does not have either.
 */
const [, , port] = process.argv;

createServer((_request, response) => response.end('{"status":"ok"}')).listen(
  Number(port),
  '127.0.0.1',
);

import { fastify } from 'fastify';

/** The minimum cost of a Node service. Argument: the port. */
const [, , port] = process.argv;

const app = fastify();
app.get('/readyz', async () => ({ status: 'ok' }));
await app.listen({ host: '127.0.0.1', port: Number(port) });

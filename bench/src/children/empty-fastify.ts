import { fastify } from 'fastify';

/** What any service in Node costs before it does anything. Argument: the port. */
const [, , port] = process.argv;

const app = fastify();
app.get('/readyz', async () => ({ status: 'ok' }));
await app.listen({ host: '127.0.0.1', port: Number(port) });

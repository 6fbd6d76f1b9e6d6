import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** Serves OpenAPI of the routes that carry tags at /docs; its page needs nothing of the internet. */
export async function documentation(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'OpenFero receiver',
        description:
          'Takes the notifications of Alertmanager and queues one remediation per alert.',
        version: '1',
      },
      tags: [{ name: 'alerts', description: 'What Alertmanager sends' }],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
}

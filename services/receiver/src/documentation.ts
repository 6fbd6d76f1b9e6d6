import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** Serves the OpenAPI description of the tagged routes at /docs, without files from the internet. */
export async function serveDocumentation(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'OpenFero receiver',
        description:
          'Receives notifications from Alertmanager and queues one remediation per alert.',
        version: '1',
      },
      tags: [{ name: 'alerts', description: 'The webhook for Alertmanager' }],
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
}

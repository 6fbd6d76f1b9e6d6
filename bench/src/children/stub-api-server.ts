import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { STUB_NAMESPACE } from '../parts/names.ts';
import { operariiIn } from '../parts/operarii.ts';

/**
 * An API server that costs next to nothing: it has one operarius, answers 201 to every create at once,
 * and its watches send no events. With it a worker runs at its maximum speed.
 *
 * Argument: the port.
 */
const [, , port] = process.argv;

const CREATED = JSON.stringify({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { name: 'quota', namespace: STUB_NAMESPACE, uid: 'uid', resourceVersion: '2' },
});

const OPERARII = listOf(
  operariiIn(STUB_NAMESPACE, 1).map((one) => ({
    ...one,
    metadata: { ...one.metadata, uid: 'operarius', resourceVersion: '1' },
  })),
);

const NOTHING = listOf([]);

createServer((request, response) => {
  if (request.method !== 'POST') return answer(request, response);
  request.resume().once('end', () => json(response, 201, CREATED));
}).listen(Number(port), '127.0.0.1');

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  if (url.includes('watch=true')) {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    return;
  }
  const hasOperarii = url.includes('/configmaps') && url.includes('labelSelector');
  json(response, 200, hasOperarii ? OPERARII : NOTHING);
}

function json(response: ServerResponse, code: number, body: string): void {
  const length = Buffer.byteLength(body);
  response
    .writeHead(code, { 'content-type': 'application/json', 'content-length': length })
    .end(body);
}

function listOf(items: readonly unknown[]): string {
  return JSON.stringify({
    kind: 'List',
    apiVersion: 'v1',
    metadata: { resourceVersion: '1' },
    items,
  });
}

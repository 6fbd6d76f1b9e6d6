import { Counter, type Registry } from 'prom-client';

/** Counts the requests to the API server. */
export function countRequests(metrics: Registry): Counter<'verb' | 'code'> {
  return new Counter({
    name: 'openfero_kubernetes_requests_total',
    help: 'Requests to the API server by verb and HTTP status; error where no answer came',
    labelNames: ['verb', 'code'],
    registers: [metrics],
  });
}

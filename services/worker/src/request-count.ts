import { Counter, type Registry } from 'prom-client';

/** Counts the requests to the API server. @returns what to call for each */
export function countRequests(metrics: Registry): (verb: string, code: string) => void {
  const requests = new Counter({
    name: 'openfero_kubernetes_requests_total',
    help: 'Requests to the API server by verb and HTTP status; the code is error where no answer came',
    labelNames: ['verb', 'code'],
    registers: [metrics],
  });
  return (verb, code) => requests.inc({ verb, code });
}

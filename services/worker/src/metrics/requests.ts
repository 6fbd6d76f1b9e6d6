import type { OnRequest } from '@openfero/cluster/connect';
import { Counter, Histogram, type Registry } from 'prom-client';

const VERBS = ['get', 'list', 'watch', 'create', 'patch'] satisfies Parameters<OnRequest>[0][];

/** Counts and times the requests to the API server. @returns what to call for each */
export function observeRequests(metrics: Registry): OnRequest {
  const requests = new Counter({
    name: 'openfero_kubernetes_requests_total',
    help: 'Requests to the API server by verb and HTTP status; the code is error where no answer came',
    labelNames: ['verb', 'code'],
    registers: [metrics],
  });
  const durations = new Histogram({
    name: 'openfero_kubernetes_request_duration_seconds',
    help: 'Time of a request to the API server, with or without an answer; of a watch, until it began',
    labelNames: ['verb'],
    // The time limit of a request is 4 s.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [metrics],
  });
  for (const verb of VERBS) durations.zero({ verb });
  return (verb, code, seconds) => {
    requests.inc({ verb, code });
    durations.observe({ verb }, seconds);
  };
}

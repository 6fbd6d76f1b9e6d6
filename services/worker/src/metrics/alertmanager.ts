import { ANSWERS, type JointAnswer } from '@openfero/core/decisions/alertmanager-answer';
import { startAtZero } from '@openfero/service/metrics';
import { Counter, type Registry } from 'prom-client';

/** What to call for each request to Alertmanager, and for each answer of all of them together. */
export interface AlertmanagerCounts {
  /** @param code HTTP status, `timeout`, or `error` where there is no answer */
  onRequest(code: string): void;
  onAnswer(answer: JointAnswer): void;
}

export function countAlertmanager(metrics: Registry): AlertmanagerCounts {
  const requests = new Counter({
    name: 'openfero_alertmanager_requests_total',
    help: 'Requests to Alertmanager by HTTP status; the code is timeout or error where no answer came',
    labelNames: ['code'],
    registers: [metrics],
  });
  const answers = new Counter({
    name: 'openfero_alertmanager_answers_total',
    help: 'What the Alertmanagers together said of an alert, before its Job, to judge its effect, or to end what was raised for it: active, suppressed, absent or unknown',
    labelNames: ['answer'],
    registers: [metrics],
  });
  startAtZero(requests, 'code', ['200', 'error', 'timeout']);
  startAtZero(answers, 'answer', ANSWERS);
  return {
    onRequest: (code) => requests.inc({ code }),
    onAnswer: ({ kind: answer }) => answers.inc({ answer }),
  };
}

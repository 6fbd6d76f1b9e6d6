import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueJobJson } from '@bull-board/api/typings/app';
import { readableData, titleOf } from '../src/titles.ts';
import { remediation } from './remediations.ts';

const job = (fields: Partial<QueueJobJson>): QueueJobJson => ({
  name: 'remediation',
  progress: 0,
  attemptsMade: 0,
  timestamp: 0,
  failedReason: '',
  stacktrace: null,
  data: remediation('one', {}),
  returnvalue: null,
  opts: {},
  ...fields,
});

const cases: [what: string, fields: Partial<QueueJobJson>, title: string][] = [
  ['one that waits', {}, 'KubeQuotaAlmostFull firing'],
  [
    'one that is held',
    { data: { ...remediation('one', {}), held: { reason: 'cooldown', since: 1 } } },
    'KubeQuotaAlmostFull firing · held: cooldown',
  ],
  [
    'one that created a Job',
    { finishedOn: 1, returnvalue: { outcome: 'created', job: 'cleanup-0123456789' } },
    'KubeQuotaAlmostFull firing · created cleanup-0123456789',
  ],
  [
    'one that ended without a Job',
    { finishedOn: 1, returnvalue: { outcome: 'no-operarius' } },
    'KubeQuotaAlmostFull firing · no-operarius',
  ],
  [
    'one that failed',
    { finishedOn: 1, failedReason: 'rejected: forbidden' },
    'KubeQuotaAlmostFull firing · rejected',
  ],
  [
    'one that BullMQ failed',
    { finishedOn: 1, failedReason: 'job stalled more than allowable limit' },
    'KubeQuotaAlmostFull firing · failed',
  ],
  ['one that is none', { data: { any: 'thing' } }, 'remediation · unreadable'],
  ['one without data', { data: null }, 'remediation · unreadable'],
  [
    'one with hostile results',
    { finishedOn: 1, returnvalue: { outcome: { toString: 1 }, job: { toString: 1 } } },
    'KubeQuotaAlmostFull firing',
  ],
  [
    'one whose alertname would turn the line around',
    { data: remediation('one', { alertname: 'a\u202eb\nc' }) },
    'a b c firing',
  ],
];
for (const [what, fields, title] of cases) {
  test(`the title of ${what}`, () => assert.equal(titleOf(job(fields)), title));
}

test('a title has its bounds', () => {
  const long = job({ data: remediation('one', { alertname: 'x'.repeat(1e6) }) });
  assert.ok(titleOf(long).length < 200);
});

test('labels and annotations come first in the data, and a label __proto__ is kept', () => {
  const data = remediation('one', JSON.parse('{"__proto__":"p","zone":"a"}'));
  const text = JSON.stringify(readableData(data));
  assert.match(text, /^\{"labels":\{[^}]*"__proto__":"p","zone":"a"\},"annotations":/);
});

test('data that is not a remediation is shown as it is', () => {
  assert.deepEqual(readableData({ any: 'thing' }), { any: 'thing' });
});

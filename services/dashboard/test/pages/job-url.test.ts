import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidSetting } from '@openfero/service/settings';
import { jobUrl } from '../../src/pages/job-url.ts';
import { readSettings } from '../../src/settings.ts';

const REDIS = { REDIS_URL: 'redis://localhost' };
const VALUES = { namespace: 'jobs', job: 'a&b=c/../d', from: '1', to: '2' };

test('the address of the logs has each value, encoded', () => {
  const address = jobUrl('https://logs.example/{namespace}?job={job}&from={from}&to={to}', VALUES);
  assert.equal(address?.text, 'https://logs.example/jobs?job=a%26b%3Dc%2F..%2Fd&from=1&to=2');
});

test('a value that looks like a place is not filled again', () => {
  const address = jobUrl('https://x.example/?job={job}', { ...VALUES, job: '{from}$&' });
  assert.equal(address?.text, 'https://x.example/?job=%7Bfrom%7D%24%26');
});

for (const [template, why] of [
  ['javascript:{job}', /not an http or https URL/],
  ['/logs?job={job}', /not an http or https URL/],
  ['https://x.example/{pod}', /\{pod\} is unknown: use \{namespace\}, \{job\}, \{from\}, \{to\}/],
  ['{job}', /not an http or https URL/],
  ['https://{job}', undefined],
  ['https://x.example/{namespace}', undefined],
] as const) {
  test(`OPENFERO_JOB_URL=${template} is ${why === undefined ? 'accepted' : 'refused'}`, () => {
    const read = (): unknown => readSettings({ ...REDIS, OPENFERO_JOB_URL: template }).jobUrl;
    if (why === undefined) {
      assert.equal(read(), template);
      return;
    }
    assert.throws(
      read,
      (error) =>
        error instanceof InvalidSetting &&
        error.message.startsWith('OPENFERO_JOB_URL: ') &&
        why.test(error.message),
    );
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert } from '@openfero/core/alert';
import { NEVER, parseInstant } from '@openfero/core/instant';
import { ENDS, type End } from '@openfero/core/outcome';
import { remediation } from '@openfero/testkit/remediations';
import { announce, announceHeld } from '../../src/ends/announce.ts';
import type { Ending } from '../../src/ends/record.ts';

const metadata = { name: 'openfero-disk-firing', namespace: 'jobs' };

type Target = Parameters<typeof announce>[0];

/** @returns what is left on the ConfigMap, as `reason: message` */
function told(tell: (cluster: Target) => void): string[] {
  const lines: string[] = [];
  tell({
    operarii: { get: (name) => (name === metadata.name ? { metadata } : undefined) },
    events: {
      record(_, reason, message) {
        lines.push(`${reason}: ${message}`);
      },
    },
  });
  return lines;
}

function announced(end: End, over: Partial<Ending> = { alert: alert('Disk') }): string[] {
  const ending = {
    end,
    operarius: metadata.name,
    reason: 'as it is',
    remediation: 'an id',
    job: 'disk-1',
    ...over,
  };
  return told((cluster) => announce(cluster, ending));
}

const alert = (alertname: string): Alert => ({
  status: 'firing',
  labels: { alertname },
  annotations: {},
  startsAt: parseInstant('2026-11-22T04:34:40Z') ?? NEVER,
  endsAt: NEVER,
  generatorURL: '',
  fingerprint: '0123456789abcdef',
});

describe('an end is told on the ConfigMap', () => {
  it('with the name of the Job where one was created', () => {
    assert.deepEqual(announced('created'), [
      'JobCreated: Created Job disk-1 for firing alert Disk (0123456789abcdef)',
    ]);
  });

  for (const end of ['invalid-operarius', 'rejected', 'expired', 'stopped'] as const) {
    it(`with the reason where it is ${end}`, () => {
      assert.deepEqual(announced(end), [
        `RemediationFailed: No Job for firing alert Disk (0123456789abcdef): ${end}: as it is`,
      ]);
    });
  }

  it('and nothing else is, nor where there is no ConfigMap', () => {
    const some = ENDS.filter((end) => announced(end).length > 0);
    assert.deepEqual(some, ['created', 'invalid-operarius', 'rejected', 'expired', 'stopped']);
    assert.deepEqual(announced('created', { operarius: '' }), []);
  });

  it('with so much of the name of the alert, or the id where there is none', () => {
    const [line = ''] = announced('created', { alert: alert('x'.repeat(5000)) });
    assert.ok(line.length < 300);
    assert.deepEqual(announced('expired', {}), [
      'RemediationFailed: No Job for remediation an id: expired: as it is',
    ]);
  });
});

describe('a remediation that waits is told on the ConfigMap', () => {
  const held = (reason: 'max-active' | 'cooldown', operarius = metadata.name): string[] =>
    told((cluster) =>
      announceHeld(cluster, {
        ...{ operarius, reason, by: 'max-active is 2: unfinished Jobs a, b' },
        remediation: remediation('Disk'),
      }),
    );

  it('with the limit and the Jobs that reached it', () => {
    const [line = '', ...more] = held('max-active');
    assert.match(
      line,
      /^RemediationHeld: No Job yet for firing alert Disk .*: max-active is 2: unfinished Jobs a, b$/,
    );
    assert.deepEqual(more, []);
  });

  it('unless only time has to pass, or there is no ConfigMap', () => {
    assert.deepEqual([...held('cooldown'), ...held('max-active', '')], []);
  });
});

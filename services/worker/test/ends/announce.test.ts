import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert } from '@openfero/core/alert';
import { NEVER, parseInstant } from '@openfero/core/instant';
import { ENDS, type End } from '@openfero/core/outcome';
import { announce } from '../../src/ends/announce.ts';
import type { Ending } from '../../src/ends/record.ts';

const metadata = { name: 'openfero-disk-firing', namespace: 'jobs' };

/** @returns what an end leaves on its ConfigMap, as `reason: message` */
function announced(end: End, over: Partial<Ending> = { alert: alert('Disk') }): string[] {
  const told: string[] = [];
  const cluster = {
    operarii: { get: (name: string) => (name === metadata.name ? { metadata } : undefined) },
    events: {
      record(_: unknown, reason: string, message: string) {
        told.push(`${reason}: ${message}`);
      },
    },
  };
  announce(cluster, {
    end,
    operarius: metadata.name,
    reason: 'as it is',
    remediation: 'an id',
    job: 'disk-1',
    ...over,
  });
  return told;
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

  for (const end of ['invalid-operarius', 'rejected', 'expired'] as const) {
    it(`with the reason where it is ${end}`, () => {
      assert.deepEqual(announced(end), [
        `RemediationFailed: No Job for firing alert Disk (0123456789abcdef): ${end}: as it is`,
      ]);
    });
  }

  it('and nothing else is, nor where there is no ConfigMap', () => {
    const told = ENDS.filter((end) => announced(end).length > 0);
    assert.deepEqual(told, ['created', 'invalid-operarius', 'rejected', 'expired']);
    assert.deepEqual(announced('created', { operarius: '' }), []);
  });

  it('with so much of the name of the alert, or the id where there is none', () => {
    const [told = ''] = announced('created', { alert: alert('x'.repeat(5000)) });
    assert.ok(told.length < 300);
    assert.deepEqual(announced('expired', {}), [
      'RemediationFailed: No Job for remediation an id: expired: as it is',
    ]);
  });
});

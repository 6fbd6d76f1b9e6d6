import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotANotification, type Notification, readNotification } from '../src/notification.ts';

const ALERTS = [{}];
const EMPTY: Notification = {
  groupKey: '',
  status: undefined,
  externalURL: '',
  truncatedAlerts: 0,
  alerts: ALERTS,
};

/** The notification, and what was warned of. */
function readWithWarnings(body: object): { notification: Notification; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (warning: string): void => void warnings.push(warning);
  return { notification: readNotification({ alerts: ALERTS, ...body }, warn), warnings };
}

test('a list of alerts is all that a notification needs', () => {
  for (const version of ['4', '1', 4, 1, null, undefined]) {
    const body = { version, orgId: 1, groupLabels: 5, receiver: 5 };
    assert.deepEqual(readWithWarnings(body), { notification: EMPTY, warnings: [] });
  }
});

test('null is absent, everywhere', () => {
  const body = { groupKey: null, status: null, externalURL: null, truncatedAlerts: null };
  assert.deepEqual(readWithWarnings(body), { notification: EMPTY, warnings: [] });
});

test('a field that is wrong is ignored with a warning', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ groupKey: {} }, /^groupKey is an object/],
    [{ status: 'Firing' }, /^status is "Firing"/],
    [{ externalURL: 5 }, /^externalURL is 5/],
    [{ truncatedAlerts: '1' }, /^truncatedAlerts is "1"/],
    [{ truncatedAlerts: 1e308 }, /^truncatedAlerts is 1e\+308/],
    [{ truncatedAlerts: -1 }, /^truncatedAlerts is -1/],
    [{ truncatedAlerts: 0.5 }, /^truncatedAlerts is 0.5/],
  ];
  for (const [fields, message] of wrong) {
    const { notification, warnings } = readWithWarnings(fields);
    assert.deepEqual(notification, EMPTY);
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]), message);
  }
});

test('a group key that is a number still tells groups apart', () => {
  assert.equal(readWithWarnings({ groupKey: 7 }).notification.groupKey, '7');
});

test('a group key of megabytes is cut, and two that differ stay different', () => {
  const keyOf = (groupKey: string): string => readWithWarnings({ groupKey }).notification.groupKey;
  const long = 'k'.repeat(1e6);
  assert.equal(keyOf(long).length, 4096);
  assert.notEqual(keyOf(`${long}a`), keyOf(`${long}b`));
  assert.equal(keyOf(long.slice(0, 4096)), long.slice(0, 4096));
});

test('what is no notification is refused with one line that gives the reason', () => {
  const refused = (body: unknown, message: RegExp): void =>
    assert.throws(
      () => readNotification(body, () => {}),
      (error) => error instanceof NotANotification && message.test(error.message),
    );
  refused(null, /the body is null, not a JSON object$/);
  refused('{}', /the body is "{}", not a JSON object$/);
  refused([{ labels: {} }], /the body is a list, as Prometheus sends it .* webhook_config/);
  refused({ version: '3', alerts: [{}] }, /version "3" is not supported: expected "4"/);
  refused({ version: '4' }, /alerts is missing/);
  refused({}, /alerts is missing/);
  refused({ version: '4', alerts: [] }, /alerts is an empty list/);
  refused({ version: '4', alerts: {} }, /alerts is an object: expected a list/);
  refused({ version: '4', alerts: 'x' }, /alerts is "x"/);
});

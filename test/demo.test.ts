import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ENDS } from '@openfero/core/outcome';
import { type LogLine, type Service, startService } from '@openfero/testkit/process';
import fc from 'fast-check';
import { readable } from '../demo/src/line.ts';
import { readOptions } from '../demo/src/options.ts';

const ENTRY = fileURLToPath(new URL('../demo/src/main.ts', import.meta.url));
const BROKEN_ALERT = new URL('../demo/broken/alerts.json', import.meta.url);
const FREE_PORTS = ['--port', '0', '--worker-port', '0', '--dashboard-port', '0'];

/** The demo as a person starts it. What it prints is in `lines`, as `msg`. */
async function startDemo(t: TestContext, ...args: readonly string[]): Promise<Service> {
  const demo = await startService(ENTRY, {}, { args: [...FREE_PORTS, ...args] });
  t.after(() => demo.stop());
  return demo;
}

const textOf = ({ lines }: Service): string => lines.map(({ msg }) => msg).join('\n');
const printed = (pattern: RegExp) => (line: LogLine) => pattern.test(line.msg);

/** Presses the retry button of the dashboard. */
async function retryFailed(demo: Service): Promise<void> {
  const [, dashboard = ''] = /dashboard +(http:\S+)/.exec(textOf(demo)) ?? [];
  const failed = await fetch(
    `${dashboard}/queue/api/queues?activeQueue=remediations&status=failed&page=1`,
  );
  const [, id] = /"id":"([^"]+)"/.exec(await failed.text()) ?? [];
  const url = `${dashboard}/queue/api/queues/remediations/${id}/retry`;
  assert.equal((await fetch(url, { method: 'PUT' })).status, 204);
}

describe('npm run demo', () => {
  it('with --once shows a Job that succeeds, one that fails and a mistake, and ends', async (t) => {
    const demo = await startDemo(t, '--once');
    assert.deepEqual(await demo.exited, { code: 0, signal: null });
    const text = textOf(demo);
    assert.match(
      text,
      /^ {2}[\d:]{8} {2}created +KubeQuotaAlmostFull \(firing\): Job openfero-kube.*/m,
    );
    assert.match(
      text,
      /^ {2}[\d:]{8} {2}deduplicated +KubeQuotaAlmostFull .*: .*Job openfero-kube/m,
    );
    assert.match(
      text,
      /^ {2}[\d:]{8} {2}invalid-operarius +DiskAlmostFull .*"30 minutes": expected/m,
    );
    assert.match(text, /^ {2}[\d:]{8} {2}Job succeeded +openfero-kube.*after \d+ s/m);
    assert.match(text, /^ {2}[\d:]{8} {2}no-operarius +KubeQuotaAlmostFull \(resolved\)/m);
    assert.match(text, /^ {2}[\d:]{8} {2}Job failed +openfero-cert.*BackoffLimitExceeded/m);
    assert.match(text, /"30 minutes" must be 30m/);
    assert.deepEqual(demo.stderr, []);
  });

  it('prints each outcome while it runs, and the mistake can be fixed as it says', async (t) => {
    const demo = await startDemo(t);
    await demo.waitForLine(printed(/Press Ctrl-C/));
    await demo.waitForLine(printed(/^ {2}http:/));
    const [, address = ''] = /^ {2}(http:\S+)$/m.exec(textOf(demo)) ?? [];
    const page = await (await fetch(address)).text();
    const text = page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    assert.match(text, /CertificateExpires critical shop .*Job failed every try of the Job failed/);
    assert.match(text, /KubeQuotaAlmostFull info namespace .*Job succeeded .* resolved .* s after/);
    assert.match(text, /DiskAlmostFull node-1 invalid operarius/);
    const [, file = ''] = /30m in\n +(\/.*\.yaml)/.exec(textOf(demo)) ?? [];
    const [, receiver = ''] = /receiver +(http:\S+)/.exec(textOf(demo)) ?? [];
    await writeFile(file, (await readFile(file, 'utf8')).replace('30 minutes', '30m'));
    await demo.waitForLine(printed(/openfero-diskalmostfull-firing: operarius is valid/));
    await retryFailed(demo);
    await demo.waitForLine(printed(/created +DiskAlmostFull \(firing\): Job openfero-disk/));
    await fetch(receiver, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await readFile(BROKEN_ALERT),
    });
    await demo.waitForLine(printed(/deduplicated +DiskAlmostFull /));

    const port = new URL(receiver).port;
    const second = await startDemo(t, '--port', port);
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.deepEqual(
      [...second.lines.map(({ msg }) => msg), ...second.stderr],
      [
        `The demo failed: port ${port} for the receiver is in use: choose another with npm run demo -- --port N`,
      ],
    );

    demo.kill('SIGINT');
    assert.deepEqual(await demo.exited, { code: 0, signal: null });
    assert.deepEqual(demo.stderr, []);
  });
});

describe('the options of the demo', () => {
  it('sets each port', () => {
    const args = ['--port', '1', '--worker-port', '2', '--dashboard-port=3'];
    assert.deepEqual(readOptions(args)?.ports, { receiver: 1, worker: 2, dashboard: 3 });
  });

  for (const args of [
    ['--port', '70000'],
    ['--port', '8080x'],
    ['--port', ''],
    ['--port', '-1'],
    ['--worker-port'],
    ['--once=yes'],
    ['--prot', '1'],
    ['9000'],
  ]) {
    it(`explains in one line what is wrong with ${args.join(' ')}`, () => {
      assert.throws(
        () => readOptions(args),
        ({ message }: Error) =>
          !message.includes('\n') && message.includes(args[0]?.split('=')[0] ?? ''),
      );
    });
  }
});

describe('a line of the demo', () => {
  it('stays one line, and no text of an alert controls the terminal', () => {
    const text = fc.string({ unit: 'binary' });
    const alert = { outcome: fc.constantFrom(...ENDS), alertname: text, status: text, job: text };
    const line = fc.oneof(
      fc.record({ ...alert, reason: text, operarius: text, warnings: fc.array(text) }),
      fc.record({ operarius: text, msg: text, problem: text }),
      fc.record({ level: fc.constant('warn'), msg: text }),
    );
    fc.assert(
      fc.property(line, (fields) => {
        const shown = readable('worker', { msg: '', ...fields });
        assert.match(shown ?? '', /^ {2}--:--:-- {2}./);
        assert.doesNotMatch(shown ?? '', /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { spawnBound } from './process.ts';
import { findProgram } from './program.ts';

/** A message of the DevTools protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params: { readonly [name: string]: unknown };
  readonly result?: { readonly [name: string]: unknown };
  readonly error?: { readonly message: string };
}

export interface Page {
  /** Every address that was asked for since the page was made, by any part of it. */
  readonly requests: readonly string[];
  /** Errors in its console, violations of the content security policy among them. */
  readonly complaints: readonly string[];
  open(url: string): Promise<void>;
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until the expression is true in the page. */
  until(expression: string): Promise<void>;
  /** Shows pages as a screen of this kind does, from the next one on. */
  emulate(screen: Screen): Promise<void>;
  /** Cuts all connections of the page, and refuses new ones until they are allowed again. */
  cutOff(isCutOff: boolean): Promise<void>;
  /** Whether pages run scripts, from the next one on. Expressions are evaluated all the same. */
  allowScripts(areAllowed: boolean): Promise<void>;
  /** Presses a key, as a keyboard does: Tab, Enter. */
  press(key: 'Tab' | 'Enter'): Promise<void>;
  /** PNG. @param whole of the whole page, else of what is visible */
  screenshot(whole?: boolean): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Screen {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  /** A phone: touched, with two pixels for one. */
  readonly isTouched?: boolean;
}

const FLAGS = [
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync',
  '--disable-background-networking --disable-component-update --window-size=1280,900',
  '--remote-debugging-port=0',
];

const PATIENCE_MS = 15_000;

/** Where Chromium is, under one of its names; undefined where it is missing and cannot be installed. */
const findChromium = (): string | undefined =>
  findProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium');

const MISSING = 'Chromium is missing: install it (Debian: apt-get install chromium)';

/** Why tests in Chromium are left out; in CI they are not. */
export const skipWithoutChromium = (): string | false =>
  findChromium() === undefined && process.env['CI'] !== 'true' ? MISSING : false;

/** Starts the Chromium that is there. */
export function openPage(): Promise<Page> {
  const program = findChromium();
  if (program === undefined) throw new Error(MISSING);
  return openChromium(program);
}

/** Starts a Chromium of its own, with a fresh profile, and opens an empty page in it. */
async function openChromium(program: string): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'openfero-chromium-'));
  const flags = FLAGS.join(' ').split(' ');
  const child = spawnBound(program, [...flags, `--user-data-dir=${profile}`, 'about:blank']);
  const closed = once(child, 'close');
  if (child.stderr === null) throw new Error('Chromium has no stderr');
  let port = '';
  for await (const line of createInterface({ input: child.stderr })) {
    port = /^DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(line)?.[1] ?? '';
    if (port !== '') break;
  }
  child.stderr.resume();
  const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const page = await attach(addressOf(targets));
  return {
    ...page,
    async close() {
      await page.close();
      child.kill('SIGKILL');
      await closed;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function addressOf(targets: unknown): string {
  const pages = Array.isArray(targets) ? targets.filter((target) => target.type === 'page') : [];
  return String(pages[0]?.webSocketDebuggerUrl);
}

async function attach(address: string): Promise<Page> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (message: Message) => void>();
  const requests: string[] = [];
  const complaints: string[] = [];
  socket.addEventListener('message', ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.id === undefined) note(message, requests, complaints);
    else waiting.get(message.id)?.(message);
  });
  await once(socket, 'open');
  let last = 0;
  const call = async (method: string, params: object = {}): Promise<Message['result']> => {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await call(`${domain}.enable`);

  const evaluate = async (expression: string): Promise<unknown> => {
    const answer = await call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const result = answer?.['result'];
    return typeof result === 'object' && result !== null && 'value' in result
      ? result.value
      : undefined;
  };
  return {
    requests,
    complaints,
    evaluate,
    open: async (url) => void (await call('Page.navigate', { url })),
    async until(expression) {
      const end = Date.now() + PATIENCE_MS;
      while ((await evaluate(expression)) !== true) {
        if (Date.now() > end)
          throw new Error(`not true in time: ${expression}\n${complaints.join('\n')}`);
        // Not in the page: without scripts no timer of it fires.
        await setTimeout(50);
      }
    },
    async emulate({ width, height = 900, scheme = 'light', isTouched = false }) {
      await call('Emulation.setDeviceMetricsOverride', {
        ...{ width, height, mobile: isTouched, deviceScaleFactor: isTouched ? 2 : 1 },
      });
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await call('Emulation.setEmulatedMedia', { features });
      await call('Emulation.setTouchEmulationEnabled', { enabled: isTouched });
    },
    async cutOff(offline) {
      const speed = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
      await call('Network.emulateNetworkConditions', { ...speed, offline });
    },
    async allowScripts(areAllowed) {
      await call('Emulation.setScriptExecutionDisabled', { value: !areAllowed });
    },
    async press(key) {
      const code = { Tab: 9, Enter: 13 }[key];
      const event = {
        key,
        code: key,
        windowsVirtualKeyCode: code,
        text: key === 'Enter' ? '\r' : '',
      };
      await call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
      await call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    },
    screenshot: async (whole = false) =>
      Buffer.from(
        String((await call('Page.captureScreenshot', { captureBeyondViewport: whole }))?.['data']),
        'base64',
      ),
    close: async () => socket.close(),
  };
}

function note({ method, params }: Message, requests: string[], complaints: string[]): void {
  const { request, entry, exceptionDetails } = params;
  if (method === 'Network.requestWillBeSent') requests.push(textOf(request, 'url'));
  if (method === 'Log.entryAdded' && textOf(entry, 'level') === 'error')
    complaints.push(`${textOf(entry, 'text')} ${textOf(entry, 'url')}`);
  if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(exceptionDetails));
}

function textOf(value: unknown, name: string): string {
  return String(new Map<string, unknown>(Object.entries(value ?? {})).get(name));
}

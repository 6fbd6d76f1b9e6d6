import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { at, type Cluster, jobsPath } from '@openfero/testkit/controlplane';
import { until } from '@openfero/testkit/until';
import { type ClusterSystem, startClusterSystem } from '../cluster-system.ts';
import { definitionsOf, filesOf, read } from './starters.ts';

/** Of the namespace of the Jobs: as the chart sets it, and a warning for what would not start. */
const RESTRICTED = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
};

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starters on the control plane, with a receiver and a worker. */
export interface Installation {
  /** The namespace of the operarii and Jobs. */
  readonly jobs: string;
  readonly system: ClusterSystem;
  /** The namespace that the test alerts of a starter are about, in which it may act. */
  shopOf(starter: string): string;
  /** The node that the test alerts are about. */
  readonly node: string;
  /** Sends a test alert of a starter. @returns the Job that the worker created for it */
  remediate(starter: string, alert?: string): Promise<unknown>;
  /**
   * Runs the container of a Job on this machine with the rights of its account, as its pod would: with the
   * variables of the Job, and `more` over them.
   */
  run(job: unknown, more?: Readonly<Record<string, string>>): Promise<Run>;
  /** A kubeconfig for the account of a starter. */
  kubeconfigOf(account: string): Promise<string>;
  stop(): Promise<void>;
}

/** Installs starters as their READMEs describe. They run, unless `mode` is what they are shipped with. */
export async function install(
  plane: Cluster,
  starters: readonly string[],
  mode = 'run',
): Promise<Installation> {
  const jobs = await plane.createNamespace(undefined, RESTRICTED);
  const node = `worker-3-${jobs}`;
  const made = starters.map(async (each) => [each, await plane.createNamespace()] as const);
  const shops = new Map(await Promise.all(made));
  const localized = (text: string, starter: string): string =>
    text
      .replaceAll('openfero-jobs', jobs)
      .replaceAll('"shop"', `"${shops.get(starter)}"`)
      .replaceAll('worker-3', node)
      .replaceAll('mode: dry-run', `mode: ${mode}`);
  /** The files of a starter whose names begin so, with the namespace that the READMEs name for them. */
  const manifests = async (
    starter: string,
    start: string,
    namespace?: string,
  ): Promise<string[]> => {
    const texts = filesOf(starter, start).map((file) => read(starter, file));
    const into = namespace === undefined ? 'metadata:' : `metadata:\n  namespace: ${namespace}`;
    return (await Promise.all(texts)).map((text) =>
      localized(text, starter).replaceAll(/^metadata:$/gm, into),
    );
  };
  const closing: (() => Promise<void>)[] = [];
  const system = await startClusterSystem({ after: (run) => closing.push(run) }, plane, {
    namespace: jobs,
  });
  const starting = Promise.all([system.startWorker(), system.startReceiver()]);
  const all = [...shops].flatMap(([starter, shop]) => [
    manifests(starter, 'access'),
    manifests(starter, 'binding', shop),
    manifests(starter, 'operarius', jobs),
  ]);
  const applied = (await Promise.all(all)).flat().join('\n---\n');
  await plane.kubectl(['apply', '-f', '-', '--validate=strict', '--warnings-as-errors'], applied);
  const [worker] = await starting;
  for (const { name } of (await Promise.all(starters.map(definitionsOf))).flat()) {
    const { msg, warnings } = await worker.waitForLine(({ operarius }) => operarius === name);
    assert.deepEqual([msg, warnings], ['operarius is valid', undefined], name);
  }

  let sent = 0;
  const kubeconfigs = new Map<string, Promise<string>>();
  const kubeconfigOf = (account: string): Promise<string> => {
    const known = kubeconfigs.get(account) ?? kubeconfigFor(plane, jobs, account);
    kubeconfigs.set(account, known);
    return known;
  };
  return {
    jobs,
    system,
    node,
    shopOf: (starter) => shops.get(starter) ?? '',
    kubeconfigOf,
    remediate: async (starter, alert = 'alert.json') => {
      const answer = await system.post(localized(await read(starter, alert), starter));
      assert.equal(answer.status, 200);
      const end = (await system.ended(++sent)).at(-1);
      assert.deepEqual([end?.['outcome'], end?.['warnings']], ['created', undefined]);
      const path = `${jobsPath(jobs)}/${String(end?.['job'])}`;
      const get = async (): Promise<unknown> => (await plane.request('GET', path)).body;
      // Admission accepts its pod, and its account exists.
      await until('the Job has a pod', async () => at(await get(), 'status', 'active') === 1);
      return get();
    },
    run: async (job, more = {}) => {
      const account = at(job, 'spec', 'template', 'spec', 'serviceAccountName');
      return runContainer(job, {
        PATH: `${plane.folder}:${process.env['PATH']}`,
        HOME: plane.folder,
        KUBECONFIG: await kubeconfigOf(String(account ?? 'default')),
        ...more,
      });
    },
    stop: async () => {
      for (const run of closing) await run();
    },
  };
}

async function kubeconfigFor(plane: Cluster, jobs: string, account: string): Promise<string> {
  return plane.kubeconfig({ token: await plane.tokenFor(jobs, account) }, jobs);
}

/** The shell that the first container copies to this place is the one of this machine here. */
const COPIED_SHELL = '/tmp/busybox';

async function runContainer(job: unknown, more: Readonly<Record<string, string>>): Promise<Run> {
  const container = at(job, 'spec', 'template', 'spec', 'containers', 0);
  const variables: readonly { name: string; value?: string }[] = Object(at(container, 'env'));
  const env = Object.fromEntries(variables.map(({ name, value = '' }) => [name, value]));
  const words = [at(container, 'command'), at(container, 'args')]
    .flat()
    .filter((word) => word !== undefined)
    .map(String);
  const [program = '', ...args] = words[0] === COPIED_SHELL ? words.slice(1) : words;
  const { promise, resolve } = Promise.withResolvers<Run>();
  execFile(program, args, { env: { ...env, ...more } }, (error, stdout, stderr) => {
    const code = error === null ? 0 : Number(error.code);
    resolve({ code, stdout, stderr });
  });
  return promise;
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The run succeeded, changed nothing, and tells why. */
export function expectNothing({ code, stdout, stderr }: Run, reason: RegExp): void {
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Nothing done: /);
  assert.match(stdout, reason);
}

/** @returns what the run printed; it changed something */
export function expectDone({ code, stdout, stderr }: Run): string {
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /Nothing done: /);
  return stdout;
}

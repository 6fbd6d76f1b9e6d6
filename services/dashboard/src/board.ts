import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { JobStatus, QueueJobJson, UIConfig } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import { jobsIn } from '@openfero/service/queue';
import type { Job, Queue } from 'bullmq';
import type { FastifyPluginCallback } from 'fastify';
import { shorten } from './listing.ts';
import { segment } from './pages/html.ts';
import { BOARD } from './routes.ts';
import type { Settings } from './settings.ts';
import { readableData, titleOf } from './titles.ts';

/** Creates Bull Board for the queue, as a plugin that registers all of its routes. */
export function createBoard(
  queue: Queue,
  { readOnly, basePath }: Pick<Settings, 'readOnly' | 'basePath'>,
): FastifyPluginCallback {
  const server = new FastifyAdapter().setBasePath(BOARD);
  const options = {
    readOnlyMode: readOnly,
    // A completed remediation must not run again: its alert may be a day old. (Not in their types.)
    allowCompletedRetries: false,
    externalJobUrl: ({ id }: QueueJobJson) => ({
      displayText: 'What became of it',
      href: `${basePath}/remediations/${segment(String(id ?? ''))}`,
    }),
  };
  const adapter = new Remediations(queue, options);
  adapter.setFormatter('name', titleOf);
  adapter.setFormatter('data', readableData);
  createBullBoard({
    queues: [adapter],
    serverAdapter: server,
    options: { uiConfig: uiOf(basePath) },
  });
  return server.registerPlugin();
}

/** Its script uses these addresses as they are. */
const uiOf = (basePath: string): UIConfig => ({
  boardTitle: 'OpenFero',
  hideDocsLink: true,
  miscLinks: [
    { text: 'Occurrences', url: `${basePath}/` },
    { text: 'Operarii', url: `${basePath}/operarii` },
  ],
  showMetrics: false,
});

/** Failed ones first. BullMQ's other states are for flows and priorities, which we do not use. */
const STATES = ['failed', 'active', 'waiting', 'delayed', 'completed'] satisfies JobStatus[];

class Remediations extends BullMQAdapter {
  readonly #queue: Queue;
  #before: Promise<unknown> = Promise.resolve();

  constructor(queue: Queue, options: ConstructorParameters<typeof BullMQAdapter>[1]) {
    super(queue, options);
    this.#queue = queue;
  }

  /** One list after the other, and of each remediation what a list shows: payloads can be large. */
  override getJobs(...range: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    const list = this.#before.then(() => this.#list(...range));
    this.#before = list.catch(() => undefined);
    return list;
  }

  async #list(...[states, start, end]: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    const jobs: Job[] = [];
    // A paused queue keeps its jobs as waiting.
    const known = states.filter((state) => state !== 'paused');
    for await (const job of jobsIn(this.#queue, known, { start, end })) jobs.push(shorten(job));
    return jobs;
  }

  override getJobStatuses(): JobStatus[] {
    return STATES;
  }
}

import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { JobStatus, UIConfig } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Queue } from 'bullmq';
import type { FastifyPluginCallback } from 'fastify';
import { readableData, titleOf } from './titles.ts';

/** Bull Board over the queue, as a plugin that registers all of its routes. */
export function bullBoard(queue: Queue, readOnly: boolean): FastifyPluginCallback {
  const server = new FastifyAdapter();
  const options = {
    readOnlyMode: readOnly,
    // What has ended well must not run again: its alert may be over for a day. (Not in their types.)
    allowCompletedRetries: false,
  };
  const adapter = new Remediations(queue, options);
  adapter.setFormatter('name', titleOf);
  adapter.setFormatter('data', readableData);
  createBullBoard({ queues: [adapter], serverAdapter: server, options: { uiConfig: UI } });
  return server.registerPlugin();
}

const UI: UIConfig = {
  boardTitle: 'OpenFero',
  hideDocsLink: true,
  showMetrics: false,
};

/** Failed ones first. Of BullMQ's states the others are for flows and priorities: nothing is in them. */
const STATES = ['failed', 'active', 'waiting', 'delayed', 'completed'] satisfies JobStatus[];

class Remediations extends BullMQAdapter {
  override getJobStatuses(): JobStatus[] {
    return STATES;
  }
}

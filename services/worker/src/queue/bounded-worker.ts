import type { Result } from '@openfero/core/outcome';
import { Worker } from 'bullmq';
import type { RemediationJob } from './delivery.ts';
import type { Payloads } from './payloads.ts';

/** BullMQ's worker, holding no more payloads than there is room for. */
export class BoundedWorker extends Worker<unknown, Result> {
  payloads: Payloads | undefined;

  protected override createJob(
    ...[json, id]: Parameters<Worker<unknown, Result>['createJob']>
  ): RemediationJob {
    const characters = json.data?.length ?? 0;
    const held = this.payloads?.admit(characters) ?? true;
    const job = this.#parse(held ? json : { ...json, data: 'null' }, id);
    this.payloads?.assign(job, { characters, held });
    return job;
  }

  /** BullMQ would take data that is not JSON, and fail, for ever: it has to reach the processor. */
  #parse(...[json, id]: Parameters<Worker<unknown, Result>['createJob']>): RemediationJob {
    try {
      return super.createJob(json, id);
    } catch {
      return super.createJob({ ...json, data: 'null' }, id);
    }
  }

  /** Until BullMQ has moved the job and told of its end, which the payload describes. */
  override async processJob(
    ...args: Parameters<Worker<unknown, Result>['processJob']>
  ): ReturnType<Worker<unknown, Result>['processJob']> {
    try {
      return await super.processJob(...args);
    } finally {
      this.payloads?.release(args[0]);
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Request } from './load.ts';
import type { ClusterTestbed } from './testbed.ts';

const NOTIFICATION = { 'content-type': 'application/json', 'user-agent': 'Alertmanager/0.34.0' };

/** Keep-alive connections to a receiver, and retries as Alertmanager does them. */
export function senderTo(url: string, connections: number): Sender {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const post = async (body: string): Promise<number> => {
    const answer = await pool.request({
      ...{ method: 'POST', path: '/alerts', headers: NOTIFICATION, body },
    });
    await answer.body.dump();
    return answer.statusCode;
  };
  return {
    async send(body) {
      for (let left = TRIES; left > 0; left--) {
        const code = await post(body);
        if (code === 200) return;
        if (code < 500) break;
        await sleep(RETRY_AFTER_MS);
      }
      throw new Error('the receiver accepted no notification: see its log');
    },
    close: () => pool.close(),
  };
}

/** A notification that is answered with 5xx is sent again. The time for that counts. */
const TRIES = 100;
const RETRY_AFTER_MS = 100;

export interface Sender {
  send(body: string): Promise<void>;
  close(): Promise<void>;
}

/** Sends the bodies by index. */
export function sendsOf(sender: Sender, bodies: readonly string[]): Request {
  return (index) => sender.send(bodies[index] ?? '');
}

/** What the worker asks for: the shortest answer that an API server can give. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const QUERY = { fieldValidation: 'Warn', fieldManager: 'openfero', timeout: '30s' };

/** Measures the API server alone: undici over keep-alive connections, nothing else. */
export function apiClient({ plane, token }: ClusterTestbed, connections: number): ApiClient {
  const { url, ca } = plane;
  const pool = new Pool(url, { connections, pipelining: 1, allowH2: false, connect: { ca } });
  const headers = {
    authorization: `Bearer ${token}`,
    accept: METADATA,
    'content-type': 'application/json',
  };
  return {
    async create(path, body) {
      const answer = await pool.request({ method: 'POST', path, query: QUERY, headers, body });
      if (answer.statusCode !== 201) {
        throw new Error(
          `the API server answered ${answer.statusCode}: ${await answer.body.text()}`,
        );
      }
      await answer.body.dump();
    },
    close: () => pool.close(),
  };
}

export interface ApiClient {
  create(path: string, body: string): Promise<void>;
  close(): Promise<void>;
}

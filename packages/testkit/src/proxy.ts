import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** A TCP proxy on the loopback interface that simulates network faults. */
export interface Proxy {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Accepts connections and bytes, but passes nothing on. */
  blackhole(): void;
  /** Passes on what clients send, and no answer. */
  mute(): void;
  /** Passes bytes on in order, after a delay. */
  delay(ms: number): void;
  /** Drops open connections as a router does, without telling either end. New ones work. */
  forget(): void;
  /** Ends all faults. Bytes held by a black hole are passed on, as TCP would resend them. */
  heal(): void;
  close(): Promise<void>;
}

type Mode = 'pass' | 'cut' | 'blackhole' | 'mute';

interface State {
  mode: Mode;
  delayMs: number;
  readonly sockets: Set<Socket>;
  /** Bytes held by the black hole. */
  held: (() => void)[];
}

export interface Target {
  readonly port: number;
  readonly host?: string;
}

export async function startProxy(target: Target): Promise<Proxy> {
  const state: State = { mode: 'pass', delayMs: 0, sockets: new Set(), held: [] };
  const server = createServer((socket) => accept(socket, target, state));
  const port = await listen(server);
  return {
    port,
    cut() {
      state.mode = 'cut';
      destroyAll(state);
    },
    blackhole() {
      state.mode = 'blackhole';
    },
    mute() {
      state.mode = 'mute';
    },
    delay(ms) {
      state.delayMs = ms;
    },
    forget() {
      for (const socket of state.sockets) {
        for (const event of ['data', 'end']) socket.removeAllListeners(event);
        socket.resume();
      }
    },
    heal() {
      state.mode = 'pass';
      state.delayMs = 0;
      for (const release of state.held.splice(0)) release();
    },
    async close() {
      destroyAll(state);
      server.close();
      await once(server, 'close');
    },
  };
}

function accept(client: Socket, target: Target, state: State): void {
  if (state.mode === 'cut') {
    client.resetAndDestroy();
    return;
  }
  const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port });
  join(client, upstream, state, 'blackhole');
  join(upstream, client, state, 'mute');
}

/** Passes the bytes of one socket, and its end, to the other. @param unless a mode that holds them, too */
function join(from: Socket, to: Socket, state: State, unless: Mode): void {
  const pass = lane(state, unless);
  state.sockets.add(from);
  from.setNoDelay(true);
  from.on('data', (bytes) => pass(() => void (to.destroyed || to.write(bytes))));
  from.on('end', () => pass(() => void (to.destroyed || to.end())));
  // A broken connection breaks at both ends.
  from.on('error', () => to.destroy());
  from.on('close', () => {
    state.sockets.delete(from);
    pass(() => void to.destroySoon());
  });
}

/** Delivers in order, even if the delay changes. */
function lane(state: State, unless: Mode): (deliver: () => void) => void {
  const late: (() => void)[] = [];
  let due = 0;
  return function pass(deliver) {
    if (state.mode === 'blackhole' || state.mode === unless) {
      state.held.push(() => pass(deliver));
      return;
    }
    const now = performance.now();
    due = Math.max(due, now + state.delayMs);
    if (late.length === 0 && due <= now) {
      deliver();
      return;
    }
    late.push(deliver);
    // Each timer delivers the next bytes, since timers of the same millisecond may fire in any order.
    setTimeout(() => late.shift()?.(), due - now);
  };
}

function destroyAll(state: State): void {
  state.held = [];
  for (const socket of state.sockets) socket.destroy();
}

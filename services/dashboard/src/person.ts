import { BlockList, isIP } from 'node:net';
import type { AuthSettings } from '@openfero/service/authentication';
import type { FastifyRequest } from 'fastify';
import type { Person } from './acts.ts';

/** A proxy in front of the dashboard that logs people in, and says who they are. */
export interface UserHeader {
  /** The name of the header. */
  readonly name: string;
  /** Whether a request from this address comes from the proxy. */
  readonly trusts: (address: string) => boolean;
}

/** Characters. Longer than any address for mail; a header may have 16 KiB. */
const MAX_USER = 256;

export type PersonOf = (request: Pick<FastifyRequest, 'ip' | 'raw'>) => Person;

/**
 * Decides who a request is from, as log and history name them: the user that a trusted proxy names, else the user
 * who logged in here. It allows nothing: authentication has been decided before.
 */
export function createPersonOf(auth: AuthSettings, header: UserHeader | undefined): PersonOf {
  const own = userOf(auth);
  return ({ ip, raw }) => {
    const named = header?.trusts(ip) ? raw.headersDistinct[header.name.toLowerCase()] : undefined;
    // Where there are two, the proxy has let one pass: which is its own cannot be told.
    const user = named?.length === 1 ? (named[0] ?? '').trim().slice(0, MAX_USER) : '';
    return { user: user === '' ? own : user, address: ip };
  };
}

function userOf(auth: AuthSettings): string {
  switch (auth.kind) {
    case 'none':
      return 'anonymous';
    case 'basic':
      return auth.user;
    case 'bearer':
      return 'bearer';
  }
}

/**
 * Reads a list of addresses and networks, such as `10.0.0.7,10.1.0.0/16,fd00::/8`.
 *
 * @returns undefined if one of them is neither
 */
export function readNetworks(list: string): UserHeader['trusts'] | undefined {
  const networks = new BlockList();
  for (const entry of list.split(',').map((each) => each.trim())) {
    if (!addNetwork(networks, entry)) return undefined;
  }
  return (address) => {
    const version = isIP(address);
    // An IPv4 address in the form of an IPv6 one is compared with IPv4 networks too.
    return version !== 0 && networks.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function addNetwork(networks: BlockList, entry: string): boolean {
  const [, address = '', prefix] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  const bits = version === 4 ? 32 : 128;
  if (Number(prefix ?? bits) > bits) return false;
  networks.addSubnet(address, Number(prefix ?? bits), version === 4 ? 'ipv4' : 'ipv6');
  return true;
}

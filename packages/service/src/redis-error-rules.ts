/** An error that is told by its text, and what an operator has to know of it. */
export interface Rule {
  readonly kind: string;
  readonly text: RegExp;
  readonly means: string;
  readonly check: string;
}

/**
 * Replies. By their text, since they have no codes: an error inside a script or a transaction is
 * wrapped in another text, so the word may be anywhere.
 */
export const REPLIES = [
  {
    kind: 'out-of-memory',
    text: /\bOOM\b/,
    means: 'Redis is out of memory',
    check: 'check that the workers are draining the queue, or raise maxmemory',
  },
  {
    kind: 'unknown-script',
    text: /\bNOSCRIPT\b/,
    means: 'Redis does not know the script, as after a restart',
    check: 'the next attempt sends it',
  },
  {
    kind: 'read-only',
    text: /\bREADONLY\b/,
    means: 'Redis is a read-only replica',
    check: 'REDIS_URL must name the primary',
  },
  {
    kind: 'wrong-database',
    text: /DB index|SELECT is not allowed/,
    means: 'Redis refuses the database in REDIS_URL',
    check: 'check the number at the end of REDIS_URL',
  },
  {
    kind: 'wrong-credentials',
    text: /\bWRONGPASS\b|\bNOAUTH\b|invalid password/,
    means: 'Redis refuses the credentials',
    check: 'check REDIS_PASSWORD and REDIS_USERNAME',
  },
  {
    kind: 'not-permitted',
    text: /\bNOPERM\b|can't run this command/,
    means: 'Redis does not permit a command',
    check: 'check the ACL of the user (REDIS_USERNAME) and OPENFERO_QUEUE_PREFIX',
  },
  {
    kind: 'other-node',
    text: /\b(MOVED|ASK) \d/,
    means: 'another node of the Redis Cluster has the queue',
    check: 'REDIS_CLUSTER_NODES is the setting for a Redis Cluster, not REDIS_URL',
  },
  {
    kind: 'cluster-down',
    text: /\bCLUSTERDOWN\b|\bTRYAGAIN\b/,
    means: 'the Redis Cluster does not serve the queue',
    check: 'check its state with CLUSTER INFO',
  },
  {
    kind: 'several-slots',
    text: /\bCROSSSLOT\b/,
    means: 'the keys of the queue are on several nodes of the Redis Cluster',
    check: 'OPENFERO_QUEUE_PREFIX must be in braces, as {openfero} is',
  },
  {
    kind: 'cannot-save',
    text: /\bMISCONF\b/,
    means: 'Redis refuses writes because it cannot save them',
    check: 'check the disk and the log of Redis',
  },
  {
    kind: 'too-few-replicas',
    text: /\bNOREPLICAS\b/,
    means: 'Redis refuses writes because too few replicas are connected',
    check: 'check the replicas, or min-replicas-to-write',
  },
  {
    kind: 'busy',
    text: /\b(LOADING|BUSY|MASTERDOWN)\b/,
    means: 'Redis is busy',
    check: 'wait, or check its log',
  },
  {
    kind: 'too-many-clients',
    text: /max number of clients/,
    means: 'Redis takes no more connections',
    check: 'raise maxclients',
  },
  {
    kind: 'protected',
    text: /\bDENIED\b/,
    means: 'Redis is in protected mode',
    check: 'set a password in Redis and in REDIS_PASSWORD',
  },
  {
    kind: 'unknown-command',
    text: /unknown command/,
    means: 'Redis does not know a command',
    check: 'use Redis 6.2 or newer, without rename-command',
  },
  {
    kind: 'error',
    text: /^/,
    means: 'Redis returned an error',
    check: 'see its log',
  },
] as const satisfies readonly Rule[];

/** What ioredis says of a command that got no reply. */
export const UNANSWERED = [
  {
    kind: 'cluster-down',
    text: /Too many Cluster redirections.*\b(CLUSTERDOWN|TRYAGAIN)\b/,
    means: 'the Redis Cluster does not serve the queue',
    check: 'check its state with CLUSTER INFO',
  },
  {
    kind: 'disconnected',
    text: /max retries per request|Connection is closed|isn't writeable|Cluster isn't ready|startup nodes/,
    means: 'lost the connection to Redis',
    check: 'check that it is running, its load and the network',
  },
  {
    kind: 'timed-out',
    text: /Command timed out/,
    means: 'Redis did not answer in time',
    check: 'check its load and the network',
  },
] as const satisfies readonly Rule[];

export const REACHABLE =
  'check that it is running, and its address in REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER_NODES';

/** What ioredis says of a sentinel that did not name the master. */
export const SENTINELS = [
  {
    kind: 'unknown-master',
    text: /invalid reply: null|No such master/,
    means: 'a sentinel knows no such master',
    check: 'REDIS_SENTINEL_MASTER must be its name in the configuration of Sentinel',
  },
  {
    kind: 'sentinel-credentials',
    text: /\bWRONGPASS\b|\bNOAUTH\b|\bNOPERM\b|invalid password/,
    means: 'the sentinels refuse the credentials',
    check: 'check REDIS_SENTINEL_PASSWORD and REDIS_SENTINEL_USERNAME',
  },
  {
    kind: 'no-sentinel',
    text: /^/,
    means: 'no sentinel is reachable',
    check: 'check REDIS_SENTINELS and the sentinels: with TLS, they must use it too',
  },
] as const satisfies readonly Rule[];

/** What Node.js says of a connection: the code, then the message. */
export const CONNECTIONS = [
  {
    kind: 'wrong-host',
    text: /ERR_TLS_CERT_ALTNAME_INVALID/,
    means: 'the certificate of Redis is for another host',
    check:
      'it must contain the host in REDIS_URL, or the one that Sentinel or the Redis Cluster announces',
  },
  {
    kind: 'expired-certificate',
    text: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    means: 'the certificate of Redis is not valid now',
    check: 'renew it, or check the clock',
  },
  {
    kind: 'client-certificate',
    text: /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/,
    means: 'Redis refuses TLS without a client certificate',
    check: 'set REDIS_CERT_FILE and REDIS_KEY_FILE, or tls-auth-clients to optional in Redis',
  },
  {
    kind: 'no-tls',
    text: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/,
    means: 'Redis does not use TLS on this port',
    check: 'use redis:// in REDIS_URL or unset REDIS_TLS, or name the TLS port',
  },
  {
    kind: 'untrusted-certificate',
    text: /SELF_SIGNED|UNABLE_TO_(VERIFY|GET|DECODE)|CERT_|INVALID_CA|INVALID_PURPOSE/,
    means: 'the certificate of Redis is not trusted',
    check: 'REDIS_CA_FILE must name the CA that signed it',
  },
  {
    kind: 'unreachable',
    text: /^/,
    means: 'Redis is not reachable',
    check: REACHABLE,
  },
] as const satisfies readonly Rule[];

export type Kind = (
  | typeof REPLIES
  | typeof UNANSWERED
  | typeof SENTINELS
  | typeof CONNECTIONS
)[number]['kind'];

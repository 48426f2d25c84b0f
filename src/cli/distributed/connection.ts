// A connection to a NATS server, as --server and --creds say.

import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { quote } from '../argv.ts';
import { inboxOf, UsageError } from '../library.ts';
import { warn } from '../output.ts';
import { readBounded } from '../read.ts';
import { reason } from '../system-errors.ts';
import { collectInOneGo } from './garbage.ts';

export interface ServerValues {
  server?: string;
  creds?: string;
}

const EXAMPLE = 'for instance --server nats://127.0.0.1:4222';
/** Older ones have known holes, some of them open before anyone has logged in: CVE-2026-27571,
 *  CVE-2026-27889, CVE-2026-33219. */
const SAFE = [2, 12, 6];
const MOST_CREDS = 2 ** 16;
/** Milliseconds between two tries to connect again. */
const PAUSE = 500;
/** Milliseconds between two questions whether the server is there. One that has not answered two
 *  of them when the third is due is gone, though nobody has said so: the client's own figure is two
 *  minutes. */
const PING = 10_000;

interface Address {
  servers: string;
  user?: string;
  pass?: string;
  host: string;
}

/** Throws UsageError for what is no address of a server. */
export function addressOf(server: string): Address {
  let url: URL;
  try {
    url = new URL(server.includes('://') ? server : `nats://${server}`);
  } catch {
    throw new UsageError(`--server is ${quote(server)}, expected an address`, EXAMPLE);
  }
  if (!['nats:', 'tls:'].includes(url.protocol))
    throw new UsageError(`--server is ${quote(server)}, expected nats:// or tls://`, EXAMPLE);
  const { username, password, host, protocol } = url;
  const login = username === '' ? {} : { user: username, pass: decodeURIComponent(password) };
  return { servers: `${protocol}//${host}`, host: url.hostname, ...login };
}

const isLoopback = (host: string): boolean => /^(localhost|127\.|\[?::1\]?$)/.test(host);

function isOlder(version: string): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const at = SAFE.findIndex((least, i) => parts[i] !== least);
  return at >= 0 && parts[at] < SAFE[at];
}

function readCreds(path: string): Uint8Array {
  try {
    return readBounded(path, MOST_CREDS);
  } catch (error) {
    throw new UsageError(`--creds ${quote(path)} ${reason(error)}, expected a file of credentials`);
  }
}

/** Connects, and connects again whenever the server comes back. `inbox`: the worker whose replies
 *  come to an inbox of its own. Throws UsageError if there is no server. */
export async function connectTo(
  { server = '', creds }: ServerValues,
  inbox?: string,
): Promise<NatsConnection> {
  const { host, ...address } = addressOf(server);
  collectInOneGo();
  const authenticator = creds === undefined ? {} : credsAuthenticator(readCreds(creds));
  try {
    const connection = await connect({
      ...address,
      ...(creds === undefined ? {} : { authenticator: authenticator as never }),
      ...(inbox === undefined ? {} : { inboxPrefix: inboxOf(inbox) }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: PAUSE,
      pingInterval: PING,
    });
    const version = connection.info?.version ?? '';
    if (!isLoopback(host) && isOlder(version))
      warn(
        `the server has version ${version}, which can be attacked from outside; use ` +
          `${SAFE.join('.')} or newer`,
      );
    return connection;
  } catch (error) {
    throw new UsageError(
      `no server answers at ${quote(address.servers)}: ${(error as Error).message}`,
      'start one: nats-server -js, or leave --server out and give --workers',
    );
  }
}

// The connection to the server, and what can be wrong with it in sentences.

import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import { RetrogradError } from 'retrograd';
import { inboxOf } from 'retrograd/nats';
import type { Place } from '../address.ts';

/** Milliseconds between two tries to connect again, and that the first one may take. */
const PAUSE = 1000;
const PATIENCE = 10_000;
/** And between two questions whether the server is there: three without an answer, and a connection
 *  that nobody has closed is given up. */
const PING = 10_000;

function refusal(error: unknown, server: string): RetrogradError {
  const { name, message } = error as Error;
  if (name === 'AuthorizationError' || /authorization|authentication/i.test(message))
    return new RetrogradError(
      `the server at ${server} does not know this user and password`,
      'ask whoever runs it for a credential of your own',
    );
  return new RetrogradError(
    `no server answers at ${server}`,
    'look at the address and at your connection; it may be down, or not let this page in',
  );
}

/** Connects, and connects again whenever the server comes back. Throws RetrogradError. */
export async function connectTo({ server, name, user, password }: Place): Promise<NatsConnection> {
  const login = user === '' ? {} : { user, pass: password };
  try {
    return await wsconnect({
      servers: server,
      ...login,
      inboxPrefix: inboxOf(name),
      ignoreClusterUpdates: true, // no other address than the one that was typed
      maxReconnectAttempts: -1,
      reconnectTimeWait: PAUSE,
      pingInterval: PING,
      timeout: PATIENCE,
    });
  } catch (error) {
    throw refusal(error, server);
  }
}

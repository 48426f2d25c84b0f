// Which runs a server knows.

import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { checkConnection, logStream, runOf } from './names.ts';

/** A run on a server. */
export interface RunOnServer {
  /** Its name. */
  run: string;
  /** Steps in its log. */
  steps: number;
  /** When the last one came, or the run was announced: ISO 8601, by the server's clock. */
  last: string;
}

/** The runs that a server knows, by name.
 *  @example
 *  const names = async (connection) => (await listRuns(connection)).map(({ run }) => run);
 *  await names('no connection').catch(({ name }) => console.log(name)); // UsageError
 */
export async function listRuns(connection: NatsConnection): Promise<RunOnServer[]> {
  checkConnection(connection);
  const manager = await jetstreamManager(connection);
  const found: RunOnServer[] = [];
  for await (const name of manager.streams.names()) {
    const run = runOf(name);
    if (run === undefined) continue;
    const { created, state } = await manager.streams.info(logStream(run));
    const last = state.messages > 0 ? String(state.last_ts) : created;
    found.push({ run, steps: state.messages, last });
  }
  return found.sort((a, b) => (a.run < b.run ? -1 : 1));
}

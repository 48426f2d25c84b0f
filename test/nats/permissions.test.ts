// What a worker's user of a real server may do, and what it may not, with the permissions that
// workerPermissions gives.

import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fetchManifest,
  inboxOf,
  openCoordinator,
  openWorker,
  type RunCourier,
  workerPermissions,
} from '../../src/nats/index.ts';
import { hasServer, Scene } from './scene.mjs';

const RUN = 'r1';
const userOf = (user: string): object => {
  const { publish, subscribe } = workerPermissions(RUN, user);
  const permissions = { publish: { allow: publish }, subscribe: { allow: subscribe } };
  return { user, password: 'secret', permissions };
};
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const DIGEST = 'a'.repeat(64);

describe.skipIf(!hasServer)('a worker of nats-server', () => {
  const scene = hasServer ? new Scene() : undefined;
  const connections: NatsConnection[] = [];
  const denied: string[] = [];
  let anna: NatsConnection;
  let courier: RunCourier;

  async function join(user: string, inboxPrefix?: string): Promise<NatsConnection> {
    const servers = `127.0.0.1:${scene?.port}`;
    const options = inboxPrefix === undefined ? {} : { inboxPrefix };
    const connection = await connect({ servers, user, pass: 'secret', ...options });
    connections.push(connection);
    return connection;
  }

  beforeAll(async () => {
    const users = [{ user: 'coordinator', password: 'secret' }, userOf('anna'), userOf('bert')];
    await scene?.startServer({ authorization: { users } });
    courier = await openCoordinator(await join('coordinator'), RUN);
    await courier.serve({
      ask: async (worker) => bytes(`{"hello":"${worker}"}\n`),
      report: async (worker, message) => bytes(`{"from":"${worker}","size":${message.length}}\n`),
    });
    await courier.announce(bytes('{}'), () => courier.put(DIGEST, bytes('weights')));
    await courier.append(1, 'a line');
    anna = await join('anna', inboxOf('anna'));
    (async () => {
      for await (const status of anna.status())
        if (status.type === 'error') denied.push(status.error.message);
    })();
  });
  afterAll(async () => {
    for (const connection of connections) await connection.close();
    await scene?.close();
  });

  /** Whether the server says of what is done that it is not allowed. */
  async function isDenied(act: () => unknown): Promise<boolean> {
    const before = denied.length;
    await Promise.resolve(act()).catch(() => undefined);
    await anna.flush();
    for (let i = 0; i < 40 && denied.length === before; i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    return denied.length > before;
  }

  test('asks, hands in, and fetches', async () => {
    const worker = await openWorker(anna, RUN, 'anna');
    const text = async (answer: Promise<Uint8Array | undefined>): Promise<string> =>
      new TextDecoder().decode(await answer);
    expect(await text(worker.ask(bytes('{}\n')))).toBe('{"hello":"anna"}\n');
    const large = new Uint8Array(3 * 2 ** 20 + 5);
    expect(await text(worker.report(large))).toBe(`{"from":"anna","size":${large.length}}\n`);
    expect(await text(worker.fetch(DIGEST))).toBe('weights');
    expect(await worker.fetch('b'.repeat(64))).toBeUndefined();
    expect(await text(fetchManifest(anna, RUN))).toBe('{}');
    expect(denied).toEqual([]);
  });

  test('is what its user is called, whatever it says', async () => {
    const other = await openWorker(anna, RUN, 'bert');
    expect(await isDenied(() => other.ask(bytes('{}\n')))).toBe(true);
    expect(await isDenied(() => other.report(bytes('{}\n')))).toBe(true);
  });

  test('puts no weights, tasks, manifest or log', async () => {
    for (const subject of [
      `rg.${RUN}.blob.${DIGEST}.0`,
      `rg.${RUN}.manifest`,
      `rg.${RUN}.log.2`,
      `rg.${RUN}.coordinator`,
      `${inboxOf('bert')}.1.2`,
      'rg.other.ask.anna',
    ])
      expect(await isDenied(() => anna.publish(subject, 'x')), subject).toBe(true);
  });

  test('hears no other one and no coordinator', async () => {
    for (const subject of [
      `${inboxOf('bert')}.>`,
      '_INBOX.>',
      `rg.${RUN}.>`,
      `rg.${RUN}.report.bert.>`,
      '>',
    ])
      expect(await isDenied(() => anna.subscribe(subject)), subject).toBe(true);
  });

  test('changes and deletes no stream, and does not read the log', async () => {
    const manager = await jetstreamManager(anna, { checkAPI: false, timeout: 300 });
    for (const act of [
      () => manager.streams.delete(`rg-${RUN}-open`),
      () => manager.streams.purge(`rg-${RUN}-open`),
      () => manager.streams.delete(`rg-${RUN}-log`),
      () => manager.streams.getMessage(`rg-${RUN}-log`, { last_by_subj: `rg.${RUN}.log.1` }),
      () => manager.consumers.add(`rg-${RUN}-log`, {}),
      () => jetstream(anna, { timeout: 300 }).publish(`rg.${RUN}.log.2`, 'x'),
    ])
      expect(await isDenied(act)).toBe(true);
  });

  test('a line of the log stays the first one that was put', async () => {
    expect(await courier.append(1, 'another line')).toBe('a line');
    expect(await courier.append(2, 'the second')).toBe('the second');
  });
});

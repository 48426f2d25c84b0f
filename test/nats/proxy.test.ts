// Divided runs over a bad network: a proxy between everybody and the server.

import { connect } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCoordinator } from '../../src/nats/index.ts';
import { type BadProxy, Frames } from './proxy.mjs';
import { digestOf, events, hasServer, Scene, type Started } from './scene.mjs';

const STEPS = 40;
const MORE = ['--parts', '2', '--save-every', '10'];
const reached = async ({ said }: Started, step: number): Promise<void> => {
  while (!said.out.includes(`"step":${step}`)) await new Promise((r) => setTimeout(r, 5));
};

test('frames are told apart however they are cut', () => {
  const text = 'INFO {}\r\nPING\r\nPUB a.b 5\r\n\r\nPUB\r\nHMSG a 1 2 4\r\nabcd\r\n+OK\r\n';
  const lengths = [9, 6, 18, 20, 5];
  for (let size = 1; size <= text.length; size++) {
    const frames = new Frames();
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      Buffer.from(text.slice(i * size, (i + 1) * size)),
    );
    const found = pieces.flatMap((piece) => frames.take(piece));
    expect(found.map(({ bytes }) => bytes.length)).toEqual(lengths);
    expect(found.map(({ isMessage }) => isMessage)).toEqual([false, false, true, true, false]);
  }
});

describe.skipIf(!hasServer)('over a bad network', () => {
  let scene: Scene;
  let proxy: BadProxy;
  beforeEach(async () => {
    scene = new Scene();
    await scene.startServer();
    proxy = await scene.startProxy(() => 0);
  });
  afterEach(() => scene.close());

  test('messages that all come twice cost no part', { timeout: 60_000 }, async () => {
    proxy.storm({ repeat: 1 });
    const coordinator = scene.coordinator('run', STEPS, MORE);
    const worker = scene.worker(await scene.runOf('run'), 'anna');
    expect(digestOf((await coordinator.ended).out)).toBe(await scene.alone(STEPS));
    expect(events((await worker.ended).out)[0]).toMatchObject({ parts: 2 * STEPS });
    expect(proxy.repeated).toBeGreaterThan(4 * STEPS);
  });

  test('a question and a result that come twice are answered once', async () => {
    const servers = `127.0.0.1:${scene.port}`;
    const [connection, worker] = [await connect({ servers }), await connect({ servers })];
    const courier = await openCoordinator(connection, 'r2');
    const heard: string[] = [];
    const hear = (kind: string) => async () => {
      heard.push(kind);
      return new Uint8Array(1);
    };
    await courier.serve({ ask: hear('ask'), report: hear('report') });
    await connection.flush();
    for (const subject of ['rg.r2.ask.anna', 'rg.r2.report.anna.x.0.1'])
      for (const reply of ['one', 'one', 'two']) worker.publish(subject, 'x', { reply });
    await worker.flush();
    await connection.flush();
    expect(heard).toEqual(['ask', 'ask', 'report', 'report']);
    for (const one of [connection, worker]) await one.close();
  });

  test('connections that carry nothing are given up', { timeout: 120_000 }, async () => {
    const coordinator = scene.coordinator('run', STEPS, MORE);
    const worker = scene.worker(await scene.runOf('run'), 'anna');
    await reached(coordinator, 12);
    proxy.silence();
    const began = performance.now();
    await reached(coordinator, 16);
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(digestOf((await coordinator.ended).out)).toBe(await scene.alone(STEPS));
    await worker.ended;
  });

  test('a run that another coordinator removes is there again', { timeout: 60_000 }, async () => {
    const coordinator = scene.coordinator('run', STEPS, MORE);
    const run = await scene.runOf('run');
    const connection = await connect({ servers: `127.0.0.1:${scene.port}` });
    await (await openCoordinator(connection, run)).remove(); // as one that has done all steps
    await connection.close();
    scene.worker(run, 'anna');
    expect(digestOf((await coordinator.ended).out)).toBe(await scene.alone(STEPS));
  });

  test('what a server lost comes back once it keeps again', { timeout: 60_000 }, async () => {
    const coordinator = scene.coordinator('run', STEPS, MORE);
    const run = await scene.runOf('run');
    scene.configuration = { jetstream: 'disabled' };
    await scene.killServer({ wipe: true });
    await new Promise((resolve) => setTimeout(resolve, 2000)); // it tries in vain
    scene.reload({});
    scene.worker(run, 'anna');
    expect(digestOf((await coordinator.ended).out)).toBe(await scene.alone(STEPS));
  });
});

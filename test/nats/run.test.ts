// Divided runs over a real server end with the digest of one machine alone.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, events, hasServer, Scene } from './scene.mjs';

const STEPS = 12;

describe.skipIf(!hasServer)('over nats-server', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = new Scene();
    await scene.startServer();
  });
  afterEach(() => scene.close());

  test('workers that come and go', { timeout: 60_000 }, async () => {
    const alone = scene.alone(STEPS);
    const coordinator = scene.coordinator('run', STEPS, ['--parts', '3']);
    const run = await scene.runOf('run');
    const first = scene.worker(run, 'anna');
    const second = scene.worker(run, 'bert');
    const { code, out } = await coordinator.ended;
    expect(code).toBe(0);
    expect(digestOf(out)).toBe(await alone);
    for (const worker of [first, second]) {
      const [worked] = events((await worker.ended).out);
      expect(worked).toMatchObject({ event: 'worked', ended: 'the run is complete' });
    }
    const parts = scene.read('run/parts.jsonl').trim().split('\n');
    expect(parts).toHaveLength(3 * STEPS);
    const audit = scene.start(['audit', 'run/receipt.jsonl', '--text', 'text.txt', '--json']);
    expect(events((await audit.ended).out)[0]).toMatchObject({ equal: true, steps: STEPS });
  });

  test('a server of its own for --workers', { timeout: 60_000 }, async () => {
    const { out, code } = await scene.start(scene.trainWords('run', STEPS, ['--workers', '2']))
      .ended;
    expect(code).toBe(0);
    expect(digestOf(out)).toBe(await scene.alone(STEPS));
  });

  test('rounds of local steps, with a worker and a coordinator that are killed', async () => {
    const steps = 40;
    const rounds = ['--shards', '4', '--local-steps', '5'];
    const alone = scene.alone(steps, rounds);
    const more = ['--save-every', '10', '--replicate', '2', '--spot-checks', '0.1'];
    const killed = scene.coordinator('run', steps, [...rounds, ...more]);
    const run = await scene.runOf('run');
    const [first] = ['anna', 'bert', 'carl'].map((name) => scene.worker(run, name));
    while (!killed.said.out.includes('"step":5,')) await new Promise((r) => setTimeout(r, 5));
    first.child.kill('SIGKILL');
    while (!killed.said.out.includes('"step":15,')) await new Promise((r) => setTimeout(r, 5));
    killed.child.kill('SIGKILL');
    await killed.ended;
    const { out } = await scene.coordinator('run', steps, more).ended;
    expect(digestOf(out)).toBe(await alone);
    const audit = scene.start(['audit', 'run/receipt.jsonl', '--text', 'text.txt', '--json']);
    expect(events((await audit.ended).out)[0]).toMatchObject({ equal: true, steps });
  }, 90_000);

  test('a liar about a shard is named, and gets nothing more', { timeout: 60_000 }, async () => {
    const rounds = ['--shards', '4', '--local-steps', '3'];
    const more = [...rounds, '--replicate', '2', '--spot-checks', '0'];
    const coordinator = scene.coordinator('run', STEPS, more);
    const run = await scene.runOf('run');
    const liar = scene.liar(run, 'mallory');
    while (liar.said.out === '') await new Promise((resolve) => setTimeout(resolve, 20));
    scene.worker(run, 'anna');
    scene.worker(run, 'bert');
    const { out, error } = await coordinator.ended;
    expect(digestOf(out)).toBe(await scene.alone(STEPS, rounds));
    expect(error).toContain('worker mallory is wrong in step 1');
    expect(events((await liar.ended).out).at(-1)?.told).toContain('refused');
  });

  test('a server that keeps nothing ends the command', { timeout: 30_000 }, async () => {
    scene.configuration = { jetstream: 'disabled' };
    await scene.killServer();
    const { code, error } = await scene.coordinator('run', STEPS).ended;
    expect(code).toBe(1);
    expect(error).toContain('the server keeps nothing');
    expect(error).toContain('start it with JetStream: nats-server -js');
  });

  test('a liar is named, and gets nothing more', { timeout: 60_000 }, async () => {
    const more = ['--parts', '2', '--replicate', '2', '--spot-checks', '0'];
    const coordinator = scene.coordinator('run', STEPS, more);
    const run = await scene.runOf('run');
    const liar = scene.liar(run, 'mallory');
    while (liar.said.out === '') await new Promise((resolve) => setTimeout(resolve, 20));
    scene.worker(run, 'anna');
    scene.worker(run, 'bert');
    const { out, error } = await coordinator.ended;
    expect(digestOf(out)).toBe(await scene.alone(STEPS));
    expect(error).toContain('worker mallory is wrong in step 1');
    expect(events((await liar.ended).out).at(-1)?.told).toContain('refused');
    expect(scene.read('run/parts.jsonl')).not.toContain('mallory');
  });

  test('an audit names a liar that was believed', { timeout: 60_000 }, async () => {
    const coordinator = scene.coordinator('run', STEPS, ['--parts', '2', '--spot-checks', '0']);
    const run = await scene.runOf('run');
    scene.liar(run, 'mallory');
    const { out } = await coordinator.ended;
    expect(digestOf(out)).not.toBe(await scene.alone(STEPS));
    const audit = scene.start(['audit', 'run/receipt.jsonl', '--text', 'text.txt', '--json']);
    const [found] = events((await audit.ended).out);
    expect(found).toMatchObject({ equal: false, workers: ['mallory'], difference: { step: 1 } });
  });

  test('a coordinator that is interrupted in a step saves and goes on', async () => {
    const steps = 40;
    const alone = scene.alone(steps);
    const begun = scene.coordinator('run', steps, ['--parts', '2']);
    const run = await scene.runOf('run');
    scene.worker(run, 'anna');
    while (!begun.said.out.includes('"step":12')) await new Promise((r) => setTimeout(r, 5));
    begun.child.kill('SIGINT');
    const { code, out } = await begun.ended;
    expect(code).toBe(130);
    expect(await scene.saved('run')).toBe(digestOf(out));
    const on = scene.coordinator('run', steps, ['--parts', '2']);
    scene.worker(run, 'bert');
    expect(digestOf((await on.ended).out)).toBe(await alone);
  });

  test('a coordinator that is killed goes on', { timeout: 90_000 }, async () => {
    const steps = 40;
    const alone = scene.alone(steps);
    const more = ['--save-every', '5', '--parts', '2'];
    const killed = scene.coordinator('run', steps, more);
    const run = await scene.runOf('run');
    const worker = scene.worker(run, 'anna');
    while (!killed.said.out.includes('"step":12')) await new Promise((r) => setTimeout(r, 5));
    killed.child.kill('SIGKILL');
    await killed.ended;
    const { out } = await scene.coordinator('run', steps, more).ended;
    expect(digestOf(out)).toBe(await alone);
    await worker.ended;
    const audit = scene.start(['audit', 'run/receipt.jsonl', '--text', 'text.txt', '--json']);
    expect(events((await audit.ended).out)[0]).toMatchObject({ equal: true, steps });
  });
});

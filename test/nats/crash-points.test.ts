// A coordinator that is killed at each point of its work goes on from what it has on its disk, to
// the digest of one machine alone.

import { beforeAll, describe, expect, test } from 'vitest';
import { CRASH_POINTS } from './crash-points.mjs';
import { digestOf, events, hasServer, Scene } from './scene.mjs';

const STEPS = 9;
/** The text is named again: when the power fails the log may be lost, which knows it. */
const MORE = ['--save-every', '3', '--parts', '2', '--text', 'text.txt'];

/** The name that the run has at any server, and the digest that it has to end with. */
async function learn(): Promise<{ run: string; alone: string }> {
  const scene = new Scene();
  try {
    await scene.startServer();
    const alone = await scene.alone(STEPS);
    scene.coordinator('run', STEPS, MORE);
    return { run: await scene.runOf('run'), alone };
  } finally {
    await scene.close();
  }
}

describe.skipIf(!hasServer)('a coordinator killed', () => {
  let known: { run: string; alone: string };
  beforeAll(async () => {
    known = await learn();
  });

  test.concurrent.each(CRASH_POINTS)('%s %s %i', { timeout: 120_000 }, async (...killAt) => {
    const { run, alone } = known;
    const scene = new Scene();
    try {
      await scene.startServer();
      scene.worker(run, 'anna');
      const killed = await scene.coordinator('run', STEPS, MORE, { killAt }).ended;
      expect(killed).toMatchObject({ signal: 'SIGKILL', error: '' });
      scene.worker(run, 'bert'); // the other one may wait for an answer for a while
      const { code, out, error } = await scene.coordinator('run', STEPS, MORE).ended;
      if (!error.includes('is complete')) expect([code, digestOf(out)]).toEqual([0, alone]);
      expect(await scene.saved('run')).toBe(alone);
      const words = ['audit', 'run/receipt.jsonl', '--text', 'text.txt', '--json'];
      const audited = await scene.start(words).ended;
      expect(events(audited.out)[0]).toMatchObject({ equal: true, steps: STEPS });
    } finally {
      await scene.close();
    }
  });
});

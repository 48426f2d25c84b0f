// What may happen to a divided run on its way, each by a name: [how often it is drawn, what it
// does]. `pick` draws one of a list, `below` a whole number.

import { setTimeout as sleep } from 'node:timers/promises';
import { CRASH_POINTS } from '../nats/crash-points.mjs';

/** Milliseconds that trouble of the network lasts. */
const STORM = 6000;

async function stop(run, pick, milliseconds) {
  const [, worker] = pick([...run.workers]) ?? [];
  worker?.child.kill('SIGSTOP');
  await sleep(milliseconds);
  worker?.child.kill('SIGCONT');
}

/** Some of the connections, at least one. */
function someLinks({ links }, pick, below) {
  const some = [...links].filter(() => below(2) === 0);
  return some.length > 0 ? some : [pick([...links])].filter((one) => one !== undefined);
}

export const FAULTS = {
  'SIGKILL of a worker': [
    2,
    async (run, { pick }) => {
      const [name, worker] = pick([...run.workers]) ?? [];
      if (name === undefined) return;
      run.workers.delete(name);
      worker.child.kill('SIGKILL');
    },
  ],
  'a worker stopped for 1.5 s': [2, (run, { pick }) => stop(run, pick, 1500)],
  'a worker stopped for 16 s': [1, (run, { pick }) => stop(run, pick, 16_000)],
  'one worker more': [1, async (run) => run.add()],
  'SIGKILL of the coordinator': [2, async (run) => run.kill()],
  'SIGKILL of the coordinator at a crash point': [
    4,
    async (run, { pick, below }) => {
      const [when, event, time] = pick(CRASH_POINTS);
      run.kill([when, event, time + below(event.includes('checkpoint') ? 4 : 40)]);
    },
  ],
  'a second coordinator': [2, async (run) => run.beginSecond()],
  'SIGKILL of the server': [2, ({ scene }) => scene.killServer()],
  'SIGKILL of the server, store deleted': [2, ({ scene }) => scene.killServer({ wipe: true })],
  'connections reset': [
    2,
    async ({ proxy }, { pick, below }) => proxy.cut(someLinks(proxy, pick, below)),
  ],
  'connections half open': [
    2,
    async ({ proxy }, { pick, below }) => proxy.silence(someLinks(proxy, pick, below)),
  ],
  'no network for up to 3 s': [1, ({ proxy }, { below }) => proxy.goAway(below(3000))],
  'messages delayed by up to 0.4 s': [
    2,
    async ({ proxy }) => void proxy.storm({ delay: 400 }, STORM),
  ],
  'a link of 40 kB/s': [1, async ({ proxy }) => void proxy.storm({ rate: 40_000 }, STORM)],
  'messages repeated, some of them late': [
    3,
    async ({ proxy }, { pick, below }) =>
      void proxy.storm({ repeat: pick([0.2, 1]), later: pick([0, below(2000)]) }),
  ],
};

/** Names, each as often as it is to be drawn. */
export const FAULT_NAMES = Object.entries(FAULTS).flatMap(([name, [weight]]) =>
  Array(weight).fill(name),
);

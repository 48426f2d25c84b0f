// Divided runs over a real server while everything is killed, stopped and begun again at random:
// each ends with the digest of one machine alone, and none hangs.
//
//   npm run fuzz:workers -- --schedules 200 --seed 1

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { digestOf, hasServer, Scene } from '../nats/scene.mjs';
import { Random } from './runner.mjs';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const STEPS = 30;
const SAVE_EVERY = 7;
/** Milliseconds after which a schedule is taken to hang: a worker that stops costs its patience of
 *  30 s at most, a coordinator that is killed 5 s. */
const MOST = 120_000;

/** What may happen to a run on its way. */
const FAULTS = {
  async killWorker(run, pick) {
    const [name, worker] = pick([...run.workers]) ?? [];
    if (name === undefined) return;
    run.workers.delete(name);
    worker.child.kill('SIGKILL');
  },
  async stopWorker(run, pick) {
    const [, worker] = pick([...run.workers]) ?? [];
    worker?.child.kill('SIGSTOP');
    await sleep(1500);
    worker?.child.kill('SIGCONT');
  },
  async addWorker(run) {
    run.add();
  },
  async killCoordinator(run) {
    if (run.coordinator.child.exitCode !== null) return; // it is complete
    run.coordinator.child.kill('SIGKILL');
    const { code } = await run.coordinator.ended;
    if (code === null) run.begin();
  },
  async secondCoordinator(run) {
    run.second ??= run.scene.coordinator('second', STEPS, run.more);
  },
  async killServer({ scene }) {
    await scene.killServer();
  },
  async wipeServer({ scene }) {
    await scene.killServer({ wipe: true });
  },
};

class Run {
  workers = new Map();
  count = 0;

  constructor(scene, replicate) {
    this.scene = scene;
    this.more = ['--save-every', String(SAVE_EVERY), '--parts', '2'];
    this.more.push('--replicate', String(replicate));
    this.begin();
  }

  /** Begun again as long as the server is away, as whoever looks after it would. */
  begin() {
    const started = this.scene.coordinator('run', STEPS, this.more);
    this.coordinator = { ...started, ended: started.ended.then((end) => this.after(end)) };
  }

  after(end) {
    if (!end.error.includes('no server answers')) return end;
    this.begin();
    return this.coordinator.ended;
  }

  add(name = `w${++this.count}`) {
    const worker = this.scene.worker(this.id, name);
    this.workers.set(name, worker);
    worker.ended.then(({ code }) => {
      if (code > 0 && this.workers.has(name)) this.add(name);
    });
  }
}

async function schedule(seed, alone) {
  const random = new Random(seed, 0);
  const pick = (list) => (list.length === 0 ? undefined : random.pick(list));
  const names = Object.keys(FAULTS);
  const faults = Array.from({ length: 1 + random.below(4) }, () => random.pick(names));
  const replicate = random.below(10) < 3 ? 2 : 1;
  const what = `seed ${seed}: replicate ${replicate}, ${faults.join(', ')}`;
  const scene = new Scene();
  try {
    await scene.startServer();
    const run = new Run(scene, replicate);
    run.id = await scene.runOf('run');
    for (let i = 0; i < replicate + random.below(2); i++) run.add();
    const faulty = (async () => {
      for (const name of faults) {
        await sleep(200 + random.below(1200));
        await FAULTS[name](run, pick);
        while (run.workers.size < replicate) run.add();
      }
    })();
    const end = (async () => {
      await faulty;
      return (await run.coordinator.ended).out;
    })();
    const out = await Promise.race([end, sleep(MOST).then(() => undefined)]);
    if (out === undefined) return `${what}: hangs after\n${run.coordinator.said.out.slice(-300)}`;
    console.log(what);
    const { error } = run.coordinator.said;
    const ends = [{ out, error }, ...(run.second === undefined ? [] : [await run.second.ended])];
    const isRefused = ({ error: said }) =>
      /another process coordinates|no server answers/.test(said);
    const whole = ends.filter((one) => !isRefused(one));
    for (const one of whole) {
      const digest = one.error.includes('is complete')
        ? await scene.saved('run')
        : digestOf(one.out);
      if (digest !== alone) return `${digest}\n${one.error}`;
    }
    return whole.length > 0 ? undefined : 'each coordinator was refused';
  } finally {
    await scene.close();
  }
}

if (!hasServer) {
  console.log('skipped: nats-server is not on the path');
  process.exit(0);
}
const scene = new Scene();
const alone = await scene.alone(STEPS);
await scene.close();
const first = Number(values.only ?? values.seed);
const last = values.only === undefined ? first + Number(values.schedules) : first + 1;
const failures = [];
for (let seed = first; seed < last; seed++) {
  const began = performance.now();
  const failure = await schedule(seed, alone);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(failure ?? `seed ${seed}: equal, ${seconds} s`);
  if (failure !== undefined) failures.push(failure);
}
console.log(`${last - first - failures.length} of ${last - first} equal (${alone.slice(0, 16)})`);
process.exitCode = failures.length > 0 ? 1 : 0;

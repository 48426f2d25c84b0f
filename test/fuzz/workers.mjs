// Divided runs over a real server and a bad network while everything is killed, stopped and begun
// again at random: each ends with the digest of one machine alone, and none hangs.
//
//   npm run fuzz:workers -- --schedules 200 --seed 1 [--only SEED] [--lanes 2] [--write]
//
// --write adds what happened to bench/results/schedules.json, of which docs/distributed.md tells.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { digestOf, hasServer, Scene } from '../nats/scene.mjs';
import { Random } from './runner.mjs';
import { FAULT_NAMES, FAULTS } from './workers-faults.mjs';
import { Tally } from './workers-tally.mjs';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    lanes: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
/** Undisturbed, they take about seven seconds. */
const STEPS = 400;
const SAVE_EVERY = 23;
/** Milliseconds without a step after which a run is taken to hang. A worker that is gone costs its
 *  patience of 30 s at most, and so does a connection that carries nothing any more. */
const MOST_WAIT = 75_000;
const LOOK = 250;
/** What whoever looks after a coordinator begins it again for. */
const AWAY = /no server answers|the server keeps nothing|the server does not answer/;
const REFUSED = /another process coordinates/;

class Run {
  workers = new Map();
  count = 0;
  /** Times that the coordinator was killed where it was to be. */
  crashes = 0;
  longestWait = 0;

  constructor(scene, replicate) {
    this.scene = scene;
    this.replicate = replicate;
    // the text is named again: when the power fails the log may be lost, which knows it
    this.more = ['--save-every', String(SAVE_EVERY), '--parts', '2', '--text', 'text.txt'];
    this.more.push('--replicate', String(replicate));
  }

  get proxy() {
    return this.scene.proxy;
  }

  begin(killAt) {
    const started = this.scene.coordinator('run', STEPS, this.more, { killAt });
    this.coordinator = { ...started, ended: started.ended.then((end) => this.after(end)) };
  }

  /** Kills the coordinator, which begins again; at that point of its work it is killed again. */
  kill(killAt) {
    this.killed = { killAt };
    this.coordinator.child.kill('SIGKILL');
  }

  /** Begun again as long as it is killed or the server is away, as whoever looks after it would. */
  async after(end) {
    const isKilled = end.signal === 'SIGKILL';
    this.isOver ||= !isKilled && !AWAY.test(end.error);
    if (this.isOver) return end;
    if (isKilled && this.killed === undefined) this.crashes++;
    this.begin(this.killed?.killAt);
    this.killed = undefined;
    return this.coordinator.ended;
  }

  beginSecond() {
    this.second ??= this.scene.coordinator('second', STEPS, this.more);
  }

  add(name = `w${++this.count}`) {
    const worker = this.scene.worker(this.id, name);
    this.workers.set(name, worker);
    worker.ended.then(() => {
      if (this.workers.get(name) === worker) this.workers.delete(name);
    });
  }

  /** What the coordinators have said, the present ones. */
  get said() {
    const all = [this.coordinator, this.second].filter((one) => one !== undefined);
    return all.map(({ child, said }) => `${child.pid} ${said.out}`).join('');
  }

  /** Resolves when all coordinators have ended, with enough workers until then; false: it hangs. */
  async end() {
    const ending = async () => [await this.coordinator.ended, await this.second?.ended];
    let ends;
    ending().then((found) => {
      ends = found.filter((one) => one !== undefined);
    });
    let said = '';
    for (let wait = 0; ends === undefined && wait < MOST_WAIT; wait += LOOK) {
      while (this.workers.size < this.replicate) this.add();
      await sleep(LOOK);
      if (this.said !== said) wait = 0;
      said = this.said;
      this.longestWait = Math.max(this.longestWait, wait);
    }
    return ends;
  }
}

/** What is wrong with how a coordinator ended; undefined if nothing is. */
async function wrongEnd({ out, error }, scene, alone) {
  const digest = error.includes('is complete') ? await scene.saved('run') : digestOf(out);
  return digest === alone ? undefined : `${digest}\n${error}`;
}

/** Has what is to happen happen, as long as the run goes on; returns how much of it did. */
async function disturb(run, faults, draw) {
  for (const [i, name] of faults.entries()) {
    await sleep(100 + draw.below(1100));
    if (run.isOver) return i;
    await FAULTS[name][1](run, draw);
  }
  return faults.length;
}

/** Runs the schedule of a seed; says what is wrong, and adds it to the tally. */
async function schedule(seed, alone, tally) {
  const random = new Random(seed, 0);
  const pick = (list) => (list.length === 0 ? undefined : random.pick(list));
  const draw = { pick, below: (limit) => random.below(limit) };
  const drawn = Array.from({ length: 1 + random.below(5) }, () => random.pick(FAULT_NAMES));
  const replicate = random.below(10) < 3 ? 2 : 1;
  const scene = new Scene();
  const run = new Run(scene, replicate);
  const began = performance.now();
  try {
    await scene.startServer();
    await scene.startProxy(() => random.below(2 ** 20) / 2 ** 20);
    run.begin();
    run.id = await scene.runOf('run');
    for (let i = 0; i < replicate + random.below(2); i++) run.add();
    const faults = drawn.slice(0, await disturb(run, drawn, draw));
    const wrong = await judge(run, await run.end(), alone);
    const seconds = (performance.now() - began) / 1000;
    tally.add({ seed, faults, seconds, run, repeated: scene.proxy.repeated, wrong });
    const about = `seed ${seed}: replicate ${replicate}, ${faults.join(', ')}`;
    const found = wrong === undefined ? 'equal' : `WRONG: ${wrong}`;
    return `${about}: ${seconds.toFixed(1)} s, longest wait ${run.longestWait} ms: ${found}`;
  } finally {
    run.isOver = true; // what is killed now does not begin again
    await scene.close();
  }
}

async function judge(run, ends, alone) {
  if (ends === undefined) return `hangs after\n${run.coordinator.said.out.slice(-300)}`;
  const whole = ends.filter(({ error }) => !REFUSED.test(error) && !AWAY.test(error));
  for (const end of whole) {
    const wrong = await wrongEnd(end, run.scene, alone);
    if (wrong !== undefined) return wrong;
  }
  return whole.length > 0 ? undefined : 'each coordinator was refused';
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
const tally = new Tally(STEPS, values.write);
let next = first;
const lane = async () => {
  while (next < last) console.log(await schedule(next++, alone, tally));
};
await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
console.log(`${tally.equal} of ${tally.schedules} equal (${alone.slice(0, 16)})`);
process.exitCode = tally.equal === tally.schedules ? 0 : 1;

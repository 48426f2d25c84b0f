// What happened in schedules of divided runs, counted, in bench/results/schedules.json. It goes on
// with what is there, of whatever commit: what went wrong once stays in it.

import { existsSync, readFileSync } from 'node:fs';
import { resultFile, stamp, writeResult } from '../../bench/stamp.mjs';
import { FAULTS } from './workers-faults.mjs';

const FILE = resultFile('schedules');
const NOTHING = { schedules: 0, equal: 0, seconds: 0, longest: 0, longestWait: 0 };

/** What was counted before, if it is of runs like these. */
function before(steps) {
  const found = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  return found.steps === steps ? found : undefined;
}

export class Tally {
  #stamp = stamp();
  #counts;

  /** Of runs of so many steps. isKept: in the file, with what it has. */
  constructor(steps, isKept) {
    this.isKept = isKept;
    const faults = Object.fromEntries(Object.keys(FAULTS).map((name) => [name, 0]));
    const none = {
      steps,
      ...NOTHING,
      crashes: 0,
      repeated: 0,
      faults,
      wrong: [],
      seeds: [],
      commits: [],
    };
    this.#counts = (isKept ? before(steps) : undefined) ?? none;
  }

  get schedules() {
    return this.#counts.schedules;
  }

  get equal() {
    return this.#counts.equal;
  }

  add({ seed, faults, seconds, run, repeated, wrong }) {
    const counts = this.#counts;
    if (counts.seeds.includes(seed)) return;
    counts.seeds.push(seed);
    counts.schedules++;
    if (wrong === undefined) counts.equal++;
    else counts.wrong.push({ seed, what: wrong.slice(0, 500) });
    for (const name of faults) counts.faults[name]++;
    counts.crashes += run.crashes;
    counts.repeated += repeated;
    counts.seconds += seconds;
    counts.longest = Math.max(counts.longest, seconds);
    counts.longestWait = Math.max(counts.longestWait, run.longestWait / 1000);
    const { commit } = this.#stamp;
    if (!counts.commits.includes(commit)) counts.commits.push(commit);
    if (this.isKept) writeResult(FILE, { ...counts, stamp: this.#stamp });
  }
}

// What every fuzzer shares: cases that depend on (seed, number) only, what counts as a fault, a
// summary, the command that repeats a case.
//
//   node test/fuzz/NAME.mjs [--cases N] [--seed S] [--only WORD] [--case I]
//
// --only: the targets whose name holds WORD. --case: this one case again, with its error in full.

import { parseArgs } from 'node:util';

const UINT32 = 2 ** 32;
/** A case may take so many milliseconds, and so many bytes more than any before it. */
const SLOW = 2000;
const HEAVY = 2 ** 30;
/** Faults that are printed. */
const SHOWN = 20;

/** A generator (sfc32) for one case. */
export class Random {
  #a;
  #b;
  #c;
  #counter = 1;

  constructor(seed, number) {
    [this.#a, this.#b, this.#c] = [seed >>> 0, Math.floor(seed / UINT32) >>> 0, number >>> 0];
    for (let i = 0; i < 15; i++) this.uint32();
  }

  /** 0 .. 2^32 - 1. */
  uint32() {
    const sum = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** A whole number below `limit`. */
  below(limit) {
    return Math.floor((this.uint32() / UINT32) * limit);
  }

  /** True once in `n` times. */
  oneIn(n) {
    return this.below(n) === 0;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** Options of the script, for a fuzzer that runs `cases` unless told otherwise. */
export function fuzzOptions(cases, words = process.argv.slice(2)) {
  const names = ['cases', 'seed', 'only', 'case'];
  const known = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ args: words, options: known });
  const number = (text) => (text === undefined ? undefined : Number(text));
  const { only } = values;
  const seed = number(values.seed) ?? 1;
  return { cases: number(values.cases) ?? cases, seed, only, case: number(values.case) };
}

const OWN = /^(Retrograd|Usage|Checkpoint|Overflow|Reconstruction)Error$/;
const isOwn = (error) => error instanceof Error && OWN.test(error.name);

/** Runs a case: what became of it. `isRefusal`: whether an error is thrown on purpose. */
async function runCase({ name, run }, random, isRefusal) {
  const before = process.resourceUsage().maxRSS;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const result = { name, outcome: 'accepted', note: undefined };
  try {
    result.note = await run(random);
  } catch (error) {
    result.outcome = isRefusal(error) ? 'refused' : 'foreign';
    result.error = error;
  }
  const { user, system } = process.cpuUsage(cpu); // the machine may do other things meanwhile
  result.milliseconds = Math.min(performance.now() - begun, (user + system) / 1000);
  result.bytes = (process.resourceUsage().maxRSS - before) * 1024;
  return result;
}

/** What is wrong with a case; undefined if nothing is. */
function faultKind({ outcome, milliseconds, bytes }, { slow, heavy }) {
  if (outcome === 'foreign') return 'foreign';
  if (milliseconds > slow) return 'slow';
  return bytes > heavy ? 'heavy' : undefined;
}

/** Counts results by target and faults by kind, and prints the first faults. */
class Tally {
  faults = { foreign: 0, slow: 0, heavy: 0 };

  constructor(targets, options, { limits, log }) {
    Object.assign(this, { options, limits, log });
    const row = () => ({ accepted: 0, refused: 0, foreign: 0, slowest: 0 });
    this.rows = Object.fromEntries(targets.map(({ name }) => [name, row()]));
  }

  add(result, number) {
    const { name, outcome, milliseconds } = result;
    const row = this.rows[name];
    row[outcome]++;
    row.slowest = Math.max(row.slowest, Math.round(milliseconds));
    const kind = faultKind(result, this.limits);
    if (kind !== undefined && ++this.faults[kind] <= SHOWN) this.#show(result, number);
  }

  #show({ name, error, milliseconds, bytes }, number) {
    const { seed, only } = this.options;
    const filter = only === undefined ? '' : ` --only ${only}`;
    const what = error === undefined ? 'no error' : `${error.name}: ${error.message}`.slice(0, 300);
    const cost = `${milliseconds.toFixed(0)} ms, ${(bytes / 2 ** 20).toFixed(0)} MiB more`;
    this.log(`${name}: ${cost}, ${what}` + `\n  again: --seed ${seed} --case ${number}${filter}`);
  }

  summary(title, cases) {
    for (const [name, row] of Object.entries(this.rows))
      this.log(`${name.padEnd(28)} ${JSON.stringify(row)}`);
    const { foreign, slow, heavy } = this.faults;
    const { limits } = this;
    const peak = Math.round(process.resourceUsage().maxRSS / 1024);
    this.log(
      `${title}: ${cases} cases, seed ${this.options.seed}: ${foreign} foreign errors, ` +
        `${slow} over ${limits.slow / 1000} s, ${heavy} over ${limits.heavy / 2 ** 20} MiB; ` +
        `peak ${peak} MiB`,
    );
    return foreign + slow + heavy;
  }
}

function choose(targets, only = '') {
  const chosen = targets.filter(({ name }) => name.includes(only));
  if (chosen.length > 0) return chosen;
  throw new Error(`no target's name holds ${only}: ${targets.map(({ name }) => name).join(', ')}`);
}

/** Runs cases in turn over `targets`: [{ name, run(random) }], where run may be async and throws
 *  what it refuses. Prints faults and a summary, sets the exit code, resolves to the faults by
 *  kind.
 *  `isRefusal(error)`: an error that is right; `limits`: { slow: milliseconds, heavy: bytes }. */
export async function fuzz(title, targets, options, settings = {}) {
  const { isRefusal = isOwn, limits = { slow: SLOW, heavy: HEAVY }, log = console.log } = settings;
  const chosen = choose(targets, options.only);
  const tally = new Tally(chosen, options, { limits, log });
  const first = options.case ?? 0;
  const end = options.case === undefined ? options.cases : first + 1;
  for (let number = first; number < end; number++) {
    const random = new Random(options.seed, number);
    const result = await runCase(chosen[number % chosen.length], random, isRefusal);
    tally.add(result, number);
    if (options.case !== undefined) log(result.error ?? result.note ?? 'accepted');
    if (number % 100_000 === 99_999) log(`${number + 1} of ${end} cases`);
  }
  process.exitCode = tally.summary(title, end - first) === 0 ? 0 : 1;
  return tally.faults;
}

// Makes the table of one of the papers' systems, seed by seed. What is found is kept as it comes in
// bench/results/papers/NAME.json: a run that was stopped goes on with the seeds that are missing.
//
//   node docs/examples/papers/run.mjs NAME [--seeds 1,2,3] [--data DIR] [--steps N] [--again]
//
// --seeds   those of the system's table unless said      --again  also seeds that are there
// --data    a folder with the data that the system's README names
// --steps   shorter runs, to try something: shown, not kept

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, refuse, resultFile, stamp, writeResult } from '../../../bench/stamp.mjs';

const HERE = import.meta.dirname;
/** The systems that are here, by their folders. */
export const NAMES = readdirSync(HERE).filter((name) => existsSync(join(HERE, name, 'table.mjs')));

/** What is kept of a system: { seeds: [{ seed, seconds, stamp, ...found }] }. */
export function kept(name) {
  const file = resultFile(`papers/${name}`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { seeds: [] };
}

function keep(name, found) {
  const others = kept(name).seeds.filter(({ seed }) => seed !== found.seed);
  const seeds = [...others, found].sort((a, b) => a.seed - b.seed);
  mkdirSync(join(ROOT, 'bench/results/papers'), { recursive: true });
  writeResult(resultFile(`papers/${name}`), { seeds });
}

const OPTIONS = {
  seeds: { type: 'string' },
  data: { type: 'string', default: 'data' },
  steps: { type: 'string' },
  again: { type: 'boolean', default: false },
};

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [name] = positionals;
  if (!NAMES.includes(name)) refuse(`no system ${name}`, `they are ${NAMES.join(', ')}`);
  const { measure, rows, seeds: all } = await import(`./${name}/table.mjs`);
  const { data, steps, again } = values;
  const isTrial = steps !== undefined;
  const isThere = new Set(again || isTrial ? [] : kept(name).seeds.map(({ seed }) => seed));
  const wanted = values.seeds?.split(',').map(Number) ?? all;
  for (const seed of wanted.filter((each) => !isThere.has(each))) {
    const started = performance.now();
    const { seeds: records } = kept(name); // a seed may choose what others are run with
    const limit = isTrial ? Number(steps) : undefined;
    const found = await measure({ seed, data, steps: limit, records });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    console.log(JSON.stringify({ seed, seconds, ...found }));
    if (!isTrial) keep(name, { seed, seconds, stamp: stamp(), ...found });
  }
  if (isTrial) return;
  for (const row of rows(kept(name).seeds)) console.log(JSON.stringify(row));
}

if (process.argv[1] === import.meta.filename) await main();

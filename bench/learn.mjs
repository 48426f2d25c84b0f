// Measures learning: the small character GPT of nanoGPT's README (4 layers, 128 channels, 4 heads,
// context 64, batch 12, 2,000 steps) trained by the command line for three seeds and both update
// rules, against float32 runs of the same model.
//
//   node bench/learn.mjs --text FILE [--name NAME] [--baselines FILE] [--seeds 1,2,3]
//     [--steps 2000] [--processes 2] [--out FILE]
//
// --name: what the tables call the text (the file's name).
// --baselines: JSON {"source": "...", "none": [{"seed": 1,
// "validationLoss": 1.9}, ...], "bdia": [...]}, the same runs in float32 (bdia: float gamma =
// +-0.5, no rounding), each over the whole validation part. Seeds of two programs have nothing in
// common, so means are compared. Further fields of a run are kept. Writes
// bench/results/learning.json; `npm run docs` makes the tables from it.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { load } from './load.mjs';
import { ROOT, refuse, resultFile, stamp, writeResult } from './stamp.mjs';

const RULES = ['none', 'bdia'];
const MODEL = { layers: 4, channels: 128, heads: 4, context: 64, batch: 12 };
const LEARNING_RATE = 0.001;

const { values: given } = parseArgs({
  options: {
    text: { type: 'string' },
    name: { type: 'string' },
    baselines: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '2000' },
    processes: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
});
const cli = join(ROOT, 'dist', 'cli.js');
const steps = Number(given.steps);
const seeds = given.seeds.split(',').map(Number);
if (!existsSync(cli)) refuse('dist/cli.js is missing', 'run: npm run build');
if (given.text === undefined || !existsSync(given.text))
  refuse(
    `--text is ${given.text ?? 'missing'}, expected a readable file`,
    'give the path of the training text',
  );
if (!Number.isInteger(steps) || steps < 1 || !seeds.every(Number.isInteger))
  refuse('--steps and --seeds are whole numbers', '--steps 2000 --seeds 1,2,3');

/** The command of one run, after `node dist/cli.js`. */
const command = (rule, seed) => [
  'train',
  'gpt',
  ...Object.entries(MODEL).flatMap(([name, value]) => [`--${name}`, String(value)]),
  '--steps',
  String(steps),
  '--learning-rate',
  String(LEARNING_RATE),
  '--seed',
  String(seed),
  '--reversible',
  rule,
  '--json',
];

/** Runs the command and returns its last event. */
function train(rule, seed) {
  const child = spawn(process.execPath, [cli, ...command(rule, seed), '--text', given.text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let done;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const event = JSON.parse(line);
    if (event.event === 'done') done = event;
  });
  return new Promise((resolve, reject) => {
    const ended = new Promise((end) => lines.on('close', end));
    child.on('error', reject);
    child.on('close', (code) =>
      ended.then(() => {
        if (code !== 0 || done === undefined)
          reject(
            new Error(
              `${rule}, seed ${seed}: exit code ${code}, ${done ? 'done' : 'no "done" event'}`,
            ),
          );
        else resolve({ rule, seed, ...done, event: undefined });
      }),
    );
  });
}

/** Runs the jobs, at most `width` at a time; results in the order of the jobs. */
async function inParallel(jobs, width) {
  const results = [];
  const queue = jobs.map((job, i) => [job, i]);
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[1]] = await next[0]();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

const { mean } = await load('src/cli/statistics.ts');

/** Mean of the baseline's runs, or undefined. */
function baselineMean(baselines, rule) {
  const runs = baselines?.[rule] ?? [];
  return runs.length === 0 ? undefined : mean(runs.map(({ validationLoss }) => validationLoss));
}

const baselines =
  given.baselines === undefined ? undefined : JSON.parse(readFileSync(given.baselines, 'utf8'));
const jobs = RULES.flatMap((rule) =>
  seeds.map((seed) => async () => {
    const run = await train(rule, seed);
    console.log(`${rule}, seed ${seed}: validation loss ${run.validationLoss.toFixed(4)}`);
    return run;
  }),
);
const runs = await inParallel(jobs, Number(given.processes));
const summary = Object.fromEntries(
  RULES.map((rule) => {
    const ours = mean(runs.filter((run) => run.rule === rule).map((run) => run.validationLoss));
    const float = baselineMean(baselines, rule);
    return [
      rule,
      {
        validationLoss: ours,
        float32: float,
        ratio: float === undefined ? undefined : ours / float,
      },
    ];
  }),
);
writeResult(given.out ?? resultFile('learning'), {
  stamp: stamp(),
  command: `node dist/cli.js ${command('RULE', 'SEED').join(' ')} --text FILE`,
  text: {
    name: given.name ?? basename(given.text),
    sha256: createHash('sha256').update(readFileSync(given.text)).digest('hex'),
  },
  steps,
  learningRate: LEARNING_RATE,
  ...MODEL,
  summary,
  runs,
  baselines,
});
for (const [rule, { validationLoss, float32, ratio }] of Object.entries(summary))
  console.log(
    `${rule}: mean ` +
      validationLoss.toFixed(4) +
      (float32 === undefined ? '' : `, float32 ${float32.toFixed(4)}, ratio ${ratio.toFixed(4)}`),
  );

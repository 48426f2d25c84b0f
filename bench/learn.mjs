// Measures learning: the small character GPT of nanoGPT's README (4 layers, 128 channels, 4 heads,
// context 64, batch 12, 2,000 steps) trained by the command line for three seeds, both update rules
// and both formats of operands, against float32 runs of the same model. Or a larger one, of 6
// layers, 256 channels, 8 heads and context 256.
//
//   node bench/learn.mjs --text FILE [--name NAME] [--model small|large] [--operands int16,int8]
//     [--rules none,bdia] [--seeds 1,2,3] [--baselines FILE] [--steps 2000] [--processes 2]
//     [--threads 2] [--out FILE]
//
// --name: what the tables call the text (the file's name).
// --operands, --rules, --seeds: what is run. Other runs that the file has are kept.
// --baselines: JSON {"source": "...", "none": [{"seed": 1,
// "validationLoss": 1.9}, ...], "bdia": [...]}, the same runs in float32 (bdia: float gamma =
// +-0.5, no rounding), each over the whole validation part; without it, those that the file has.
// Seeds of two programs have nothing in common, so means are compared. Further fields of a run are
// kept. Writes bench/results/learning.json, or learning-large.json, after each run; `npm run docs`
// makes the tables of them.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { load } from './load.mjs';
import { ROOT, refuse, resultFile, stamp, writeResult } from './stamp.mjs';

const RULES = ['none', 'bdia'];
const FORMATS = ['int16', 'int8'];
const MODELS = {
  small: { layers: 4, channels: 128, heads: 4, context: 64, batch: 12 },
  large: { layers: 6, channels: 256, heads: 8, context: 256, batch: 12 },
};
const LEARNING_RATE = 0.001;

const { values: given } = parseArgs({
  options: {
    text: { type: 'string' },
    name: { type: 'string' },
    model: { type: 'string', default: 'small' },
    rules: { type: 'string', default: RULES.join() },
    operands: { type: 'string', default: FORMATS.join() },
    baselines: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '2000' },
    processes: { type: 'string', default: '2' },
    threads: { type: 'string' },
    out: { type: 'string' },
  },
});
const cli = join(ROOT, 'dist', 'cli.js');
const steps = Number(given.steps);
const seeds = given.seeds.split(',').map(Number);
const formats = given.operands.split(',');
const rules = given.rules.split(',');
const MODEL = MODELS[given.model];
if (!existsSync(cli)) refuse('dist/cli.js is missing', 'run: npm run build');
if (given.text === undefined || !existsSync(given.text))
  refuse(
    `--text is ${given.text ?? 'missing'}, expected a readable file`,
    'give the path of the training text',
  );
if (!Number.isInteger(steps) || steps < 1 || !seeds.every(Number.isInteger))
  refuse('--steps and --seeds are whole numbers', '--steps 2000 --seeds 1,2,3');
if (!formats.every((format) => FORMATS.includes(format)))
  refuse(`--operands is ${given.operands}, expected ${FORMATS.join(' or ')}`, FORMATS.join());
if (!rules.every((rule) => RULES.includes(rule)))
  refuse(`--rules is ${given.rules}, expected ${RULES.join(' or ')}`, RULES.join());
if (MODEL === undefined) refuse(`--model is ${given.model}, expected small or large`, 'small');

/** The command of one run, after `node dist/cli.js`. */
const command = ({ operands, rule, seed }) => [
  'train',
  'gpt',
  ...Object.entries(MODEL).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ...['--steps', String(steps)],
  ...['--learning-rate', String(LEARNING_RATE)],
  ...['--seed', String(seed)],
  ...['--reversible', rule],
  ...['--operands', operands],
  '--json',
];

const inWords = ({ operands, rule, seed }) => `${operands}, ${rule}, seed ${seed}`;
const threads = given.threads === undefined ? [] : ['--threads', given.threads];

/** Runs the command and returns what its first and its last event say. */
function train(run) {
  const words = [cli, ...command(run), ...threads, '--text', given.text];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let kernels;
  let done;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const event = JSON.parse(line);
    if (event.event === 'plan') kernels = event.kernels;
    if (event.event === 'done') done = event;
  });
  return new Promise((resolve, reject) => {
    const ended = new Promise((end) => lines.on('close', end));
    child.on('error', reject);
    child.on('close', (code) =>
      ended.then(() => {
        const { rule, seed } = run;
        if (code === 0 && done !== undefined)
          resolve({ rule, seed, kernels, ...done, event: undefined, stamp: stamp() });
        else {
          const event = done ? 'done' : 'no "done" event';
          reject(new Error(`${inWords(run)}: exit code ${code}, ${event}`));
        }
      }),
    );
  });
}

/** Runs the jobs, at most `width` at a time. */
async function inParallel(jobs, width) {
  const queue = [...jobs];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const { mean } = await load('src/cli/statistics.ts');
const meanLoss = (runs) => mean(runs.map(({ validationLoss }) => validationLoss));

const file = given.out ?? resultFile(given.model === 'small' ? 'learning' : 'learning-large');
const text = {
  name: given.name ?? basename(given.text),
  sha256: createHash('sha256').update(readFileSync(given.text)).digest('hex'),
};
const what = { text, steps, learningRate: LEARNING_RATE, ...MODEL };

/** What the file has, if it is of the same text, model and steps. */
function before() {
  if (!existsSync(file)) return {};
  const found = JSON.parse(readFileSync(file, 'utf8'));
  const isSame = Object.entries(what).every(
    ([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value),
  );
  return isSame ? found : {};
}

const kept = before();
const baselines =
  given.baselines === undefined
    ? kept.baselines
    : JSON.parse(readFileSync(given.baselines, 'utf8'));

/** Mean losses of the rules, and against float32's. */
const summaryOf = (runs) =>
  Object.fromEntries(
    RULES.filter((rule) => runs.some((run) => run.rule === rule)).map((rule) => {
      const validationLoss = meanLoss(runs.filter((run) => run.rule === rule));
      const float32 = baselines?.[rule] && meanLoss(baselines[rule]);
      return [rule, { validationLoss, float32, ratio: float32 && validationLoss / float32 }];
    }),
  );

const place = ({ rule, seed }) => RULES.indexOf(rule) * 2 ** 32 + seed;

const words = (operands) => command({ operands, rule: 'RULE', seed: 'SEED' }).join(' ');

/** Of a format, what was run of it so far. */
const found = (operands, runs) => ({
  command: `node dist/cli.js ${words(operands)} --text FILE`,
  summary: summaryOf(runs),
  runs,
});

const operands = { ...kept.operands };

async function job(run) {
  const done = await train(run);
  console.log(`${inWords(run)}: validation loss ${done.validationLoss.toFixed(4)}`);
  const { runs: before = [] } = operands[run.operands] ?? {};
  const others = before.filter((one) => place(one) !== place(run));
  const all = [...others, done].sort((a, b) => place(a) - place(b));
  operands[run.operands] = found(run.operands, all);
  const byName = FORMATS.filter((name) => name in operands).map((name) => [name, operands[name]]);
  writeResult(file, { ...what, operands: Object.fromEntries(byName), baselines });
}

const runs = formats.flatMap((format) =>
  seeds.flatMap((seed) => rules.map((rule) => ({ operands: format, rule, seed }))),
);
await inParallel(
  runs.map((run) => () => job(run)),
  Number(given.processes),
);
for (const [format, { summary }] of Object.entries(operands))
  for (const [rule, { validationLoss, float32, ratio }] of Object.entries(summary))
    console.log(
      `${format}, ${rule}: mean ` +
        validationLoss.toFixed(4) +
        (float32 === undefined ? '' : `, float32 ${float32.toFixed(4)}, ratio ${ratio.toFixed(4)}`),
    );

// The blocks of the documents that are made from bench/results: learning, memory, sizes, runtimes,
// what was tried.

import { code, count, environment, mib, table } from './markdown.mjs';
import { result } from './source.mjs';

const loss = (value) => value.toFixed(4);
const notMeasured = (script) => `Not measured yet: run \`node bench/${script}.mjs\`.`;

// ---- learning -----------------------------------------------------------------------------------

const RULE_NAMES = {
  none: 'plain residual (`--reversible none`)',
  bdia: 'reversible (`--reversible bdia`)',
};

/** A row of a format of operands and an update rule. */
function learned(data, operands, rule) {
  const { runs, summary } = data.operands[operands];
  const { validationLoss, float32, ratio } = summary[rule];
  const ours = runs.filter((entry) => entry.rule === rule);
  const listed = (entries) => entries.map((entry) => loss(entry.validationLoss)).join(', ');
  return [
    RULE_NAMES[rule],
    code(operands),
    ours.map(({ seed }) => seed).join(', '),
    listed(ours),
    loss(validationLoss),
    listed(data.baselines?.[rule] ?? []),
    float32 === undefined ? '' : loss(float32),
    ratio === undefined ? '' : ratio.toFixed(4),
  ];
}

/** Where runs were made. */
const environments = (runs) => [...new Set(runs.map(({ stamp }) => environment(stamp)))].join('; ');

/** Learning beside float32: of the small model, or of the other one of that name. */
const learningOf = (name) => () => {
  const data = result(name);
  if (data === undefined) return notMeasured('learn');
  const formats = Object.keys(data.operands);
  const [{ runs }] = Object.values(data.operands);
  const rows = Object.keys(RULE_NAMES).flatMap((rule) =>
    formats
      .filter((operands) => rule in data.operands[operands].summary)
      .map((operands) => learned(data, operands, rule)),
  );
  const head = [
    'update',
    'operands',
    'seeds',
    'validation loss',
    'mean',
    'float32',
    'mean',
    'ratio',
  ];
  return [
    table(head, rows, [4, 6, 7]),
    '',
    `${data.text.name} (SHA-256 ${data.text.sha256.slice(0, 16)}...), ${data.layers} layers, ` +
      `${data.channels} channels, ${data.heads} heads, context ${data.context}, batch ` +
      `${data.batch}, ` +
      `${count(data.steps)} steps, learning rate ${data.learningRate}, ` +
      `${count(runs[0].parameters)} parameters; nats a character over the whole ` +
      'validation part. ' +
      (data.baselines?.source ? `float32: ${data.baselines.source}. ` : '') +
      formats
        .map((operands) => `${operands}: ${environments(data.operands[operands].runs)}.`)
        .join(' '),
  ].join('\n');
};
export const learning = learningOf('learning');
export const learningLarge = learningOf('learning-large');

// ---- import ----

/** A GPT-2 small with planted outliers, beside float64. */
export function imported() {
  const data = result('import');
  if (data === undefined) return 'Not measured yet: run the command above.';
  const { n_layer: L, n_embd: C, vocab_size: V } = data.shape;
  const neurons = data.outliers.reduce((a, b) => a + b, 0);
  const rows = [
    ['random tokens', ...data.perplexityOff],
    ...data.perplexityOffOfHalves.map((half, i) => [
      i === 0 ? 'their first half' : 'the rest',
      ...half,
    ]),
    ['text of the model itself', ...data.perplexityOffOfOwnText],
  ];
  const percent = (value) => `${value.toFixed(2)} %`;
  return [
    table(
      ['perplexity, above that of float64', '', 'standard error'],
      rows.map(([name, ...values]) => [name, ...values.map(percent)]),
      [1, 2],
    ),
    '',
    `${L} × ${C}, ${count(V)} tokens, ${count(data.parameters)} parameters; ` +
      `${count(data.tokens)} tokens, each beside float64: ${data.saturated} values saturated, ` +
      `and ${data.saturatedInStep} in a training step. Residual stream 2^-${data.residual}, ` +
      `${count(neurons)} outlier neurons, layer norms up to 2^${Math.max(...data.norms.flat())} ` +
      `times as wide. Calibrated on ${data.calibratedOn} tokens. ${environment(data)}.`,
  ].join('\n');
}

// ---- memory -------------------------------------------------------------------------------------

export function memory() {
  const data = result('memory');
  if (data === undefined) return notMeasured('memory');
  const rows = data.rows.map(({ layers, bdia, none }) => [
    layers,
    mib(bdia.bytes.states),
    mib(bdia.bytes.sideBits),
    mib(none.bytes.states),
    mib(bdia.total),
    mib(none.total),
  ]);
  return [
    table(
      ['layers', 'states', 'side bits', 'states if stored', 'whole run', 'whole run, stored'],
      rows,
      [0, 1, 2, 3, 4, 5],
    ),
    '',
    `MiB, from the plan of a GPT with vocabulary ${data.vocabulary}, ${data.channels} ` +
      `channels, ${data.heads} heads, context ${data.context}, batch ${data.batch}. ` +
      'The whole run grows by the parameters: 20 bytes each for weight, gradient and optimizer.',
  ].join('\n');
}

// ---- the README's line of sizes and speeds, and how long its commands take ----------------------

/** How big and how fast, in one line. */
export function glance() {
  const size = result('performance-size');
  const step = result('performance-step')?.[0];
  if (size === undefined || step === undefined) return notMeasured('all');
  const ours = size.bundles.find(({ engine }) => engine === 'retrograd').total.gzipped;
  const start = size.starts[0].engines.find(({ engine }) => engine === 'retrograd').first.median;
  const { ratios } = step;
  const rival = 1 / ratios['none / PyTorch'].median;
  return (
    `${(ours / 1000).toFixed(0)} kB gzipped with its kernels, no dependency; ` +
    `${start.toFixed(0)} ms from import to the first step; ` +
    `a training step ${ratios['jax-js / none'].median.toFixed(1)} times as fast as the next ` +
    'engine in JavaScript and ' +
    `${rival.toFixed(2)} times as fast as PyTorch in float32 on the same core ` +
    '([performance](docs/performance.md)).'
  );
}

/** Seconds of the README's commands on a fresh clone. */
export function commands() {
  const data = result('commands');
  if (data === undefined) return notMeasured('commands');
  const rows = data.commands.map(
    ({ command, seconds }) => `${code(command)} took ${count(seconds)} s`,
  );
  return (
    `In a fresh clone ${rows.join(' and ')}, the development tools included ` +
    `(${environment(data.stamp)}).`
  );
}

// ---- the simulation that chose the formats ------------------------------------------------------

const losses = (values) => values.map((value) => value.toFixed(4)).join(', ');
export function simulation() {
  const { about, model, final } = result('formats');
  return [
    table(
      ['update', 'float32', 'integer'],
      final.rows.map((row) => [row.update, losses(row.float32), losses(row.integer)]),
    ),
    '',
    `${about} ${model.layers} layers, ${model.channels} channels, ${model.heads} heads, ` +
      `context ${model.context}, batch ${model.batch}, ${count(model.parameters)} parameters; ` +
      `${count(final.steps)} steps, seeds ${final.seeds.join(', ')}.`,
  ].join('\n');
}
export function simulationExponents() {
  const {
    exponents: { steps, float32, rows },
  } = result('formats');
  return table(
    [`gradient exponents (${count(steps)} steps, seed 1)`, 'validation loss', 'saturated'],
    [
      ['float32', loss(float32), ''],
      ...rows.map((row) => [row.gradientExponent, loss(row.validationLoss), row.saturated ?? '']),
    ],
    [1, 2],
  );
}
export function simulationChanges() {
  const {
    oneChange: { steps, float32, float32Bdia, rows },
  } = result('formats');
  return table(
    [`one change (${count(steps)} steps)`, 'validation loss', 'elements not rebuilt'],
    [
      ['float32', loss(float32), ''],
      ['float32 BDIA', loss(float32Bdia), ''],
      ...rows.map((row) => [
        row.change,
        loss(row.validationLoss),
        row.mismatchedElements === undefined ? '' : count(row.mismatchedElements),
      ]),
    ],
    [1, 2],
  );
}

/** What was tried for speed and precision, kept or not. */
export function tried() {
  const { rows, note } = result('tried');
  return [
    '| tried | unit | before | after | kept | how measured |',
    '| --- | --- | ---: | ---: | --- | --- |',
    ...rows.map(
      (row) =>
        `| ${row.what} | ${row.unit} | ${row.before} | ${row.after} | ` +
        `${row.kept ? 'yes' : 'no'} | ${row.how} |`,
    ),
    '',
    note,
  ].join('\n');
}

// ---- exports ------------------------------------------------------------------------------------

/** How far logits are from float64's, by width. */
export function exported() {
  const data = result('export');
  if (data === undefined) return notMeasured('export');
  const rows = data.differences.map(({ channels, spread, engine, stateAlone }) =>
    [channels, spread, engine, ...stateAlone].map(String),
  );
  const head = ['channels', 'range of logits', 'the engine', 'state of training', 'of inference'];
  const { layers, steps } = data;
  const about = `${layers} layers, ${steps} steps, ${data.rows} rows. ${environment(data)}`;
  return [table(head, rows, [0, 1, 2, 3, 4]), '', about].join('\n');
}

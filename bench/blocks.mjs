// The generated blocks of the documents (name -> Markdown) and the charts (file -> SVG).
// bench/docs.mjs puts them in place.

import { memoryChart } from './charts.mjs';
import { BOUNDS, constants, formatRows, ROUNDING_ROWS } from './format-tables.mjs';
import {
  contract,
  documentedConstants,
  errorBounds,
  exampleOf,
  read,
  result,
  run,
  runCli,
  runExperiment,
} from './source.mjs';

const cell = (text) => String(text).replaceAll('|', '\\|');
/** rows of cells as a Markdown table; columns of `right` are aligned to the right. */
const table = (head, rows, right = []) =>
  [
    `| ${head.map(cell).join(' | ')} |`,
    `| ${head.map((_, i) => (right.includes(i) ? '---:' : '---')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');
const code = (text) => `\`${text}\``;
const fenced = (text, language = 'text') => `\`\`\`${language}\n${text}\n\`\`\``;
const count = (value) => Math.round(value).toLocaleString('en-US');
/** Bytes in MiB, with two digits after the point below 10 MiB and one above. */
function mib(bytes) {
  const value = bytes / 2 ** 20;
  const digits = value < 10 ? 2 : 1;
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
const loss = (value) => value.toFixed(4);
const environment = ({ cpu, cores, system, node, date, commit }) =>
  `${cpu}, ${cores} cores, ${system}, Node ${node}, ${date}, commit ${commit ?? 'unknown'}`;
const notMeasured = (script) => `Not measured yet: run \`node bench/${script}.mjs\`.`;

// ---- learning -----------------------------------------------------------------------------------

const RULE_NAMES = {
  none: 'plain residual (`--reversible none`)',
  bdia: 'reversible (`--reversible bdia`)',
};

function learning() {
  const data = result('learning');
  if (data === undefined) return notMeasured('learn');
  const rows = Object.entries(data.summary).map(([rule, { validationLoss, float32, ratio }]) => {
    const losses = data.runs
      .filter((entry) => entry.rule === rule)
      .map((entry) => loss(entry.validationLoss))
      .join(', ');
    const float = (data.baselines?.[rule] ?? [])
      .map((entry) => loss(entry.validationLoss))
      .join(', ');
    return [
      RULE_NAMES[rule],
      losses,
      loss(validationLoss),
      float,
      float32 === undefined ? '' : loss(float32),
      ratio === undefined ? '' : ratio.toFixed(4),
    ];
  });
  const seeds = [...new Set(data.runs.map((entry) => entry.seed))].join(', ');
  return [
    table(
      ['update', `validation loss, seeds ${seeds}`, 'mean', 'float32', 'mean', 'ratio'],
      rows,
      [2, 4, 5],
    ),
    '',
    `${data.text.name} (SHA-256 ${data.text.sha256.slice(0, 16)}...), ${data.layers} layers, ` +
      `${data.channels} channels, ${data.heads} heads, context ${data.context}, batch ` +
      `${data.batch}, ` +
      `${count(data.steps)} steps, learning rate ${data.learningRate}, ` +
      `${count(data.runs[0].parameters)} parameters; nats a character over the whole ` +
      'validation part. ' +
      (data.baselines?.source ? `float32: ${data.baselines.source}. ` : '') +
      `${environment(data.stamp)}.`,
  ].join('\n');
}

// ---- memory -------------------------------------------------------------------------------------

function memory() {
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

// ---- the same bits on every runtime -------------------------------------------------------------

/** "Chrome/156..." of a browser's long user agent is in its own version, where the row has one. */
const runtimeOf = ({ runtime, version, name }) =>
  version !== undefined && (runtime ?? '').length > 60 ? version : (runtime ?? version ?? name);

/** Those that could not be installed and those that must refuse are no evidence. */
const rowsThatRan = ({ rows }) =>
  rows.filter(({ status }) => status !== 'not run' && status !== 'refused');

const MATRIX_MISSING = 'Not measured yet: run `npm run conformance`.';

/** One line a processor: what ran there and computes the published bits, and what does not. */
function conformance() {
  const data = result('conformance');
  if (data === undefined) return MATRIX_MISSING;
  const ran = rowsThatRan(data);
  const equal = ran.filter(({ status }) => status === 'equal');
  const { handover } = data;
  const lines = [...new Set(data.rows.map(({ processor }) => processor))].map((processor) => {
    const there = data.rows.filter((row) => row.processor === processor);
    const others = there.filter(({ status }) => status !== 'equal');
    return [
      processor,
      there
        .filter(({ status }) => status === 'equal')
        .map(({ name }) => name)
        .join('; '),
      others.map(({ name, status }) => `${name}: ${status}`).join('; '),
    ];
  });
  return [
    table(['processor', 'the published digest', 'other'], lines),
    '',
    `${equal.length} of the ${ran.length} that ran have the digest ` +
      `${code(equal[0]?.digest.slice(0, 16) ?? 'none')}; versions and times are in the table ` +
      'below. ' +
      (handover === undefined ? '' : handoverWords(handover)) +
      `${environment(data.stamp)}.`,
  ].join('\n');
}

function conformanceRows() {
  const data = result('conformance');
  if (data === undefined) return MATRIX_MISSING;
  return table(
    ['runtime', 'version', 'processor', 'verdict', 'seconds'],
    data.rows.map((row) => [
      row.name,
      runtimeOf(row),
      row.processor,
      row.status === 'equal'
        ? 'equal'
        : `${row.status}${row.note === undefined ? '' : `: ${row.note}`}`,
      row.milliseconds === undefined ? '' : (row.milliseconds / 1000).toFixed(1),
    ]),
    [4],
  );
}

// ---- the README's line of sizes and speeds, and how long its commands take ----------------------

/** How big and how fast, in one line. */
function glance() {
  const size = result('performance-size');
  const step = result('performance-step');
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
function commands() {
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

// ---- the three claims of the README -------------------------------------------------------------

function claims() {
  const learned = result('learning');
  const planned = result('memory');
  const golden = JSON.parse(read('src/verify/published/demo.json'));
  const first = planned?.rows.at(0);
  const last = planned?.rows.at(-1);
  const bdiaRuns = learned?.runs.filter((entry) => entry.rule === 'bdia') ?? [];
  const checked = bdiaRuns.reduce((sum, entry) => sum + entry.reconstruction.checkedStates, 0);
  const wrong = bdiaRuns.reduce((sum, entry) => sum + entry.reconstruction.mismatchedElements, 0);
  const ratios = Object.values(learned?.summary ?? {})
    .filter(({ ratio }) => ratio !== undefined)
    .map(({ ratio }) => ratio);
  const matrix = result('conformance');
  const equal = matrix?.rows.filter(({ status }) => status === 'equal').length;
  const ran = matrix && rowsThatRan(matrix).length;
  const lines = [];
  lines.push(
    '1. **Exactly reversible.** The backward pass rebuilds the activations of every block ' +
      'bit for bit instead of storing them' +
      (bdiaRuns.length > 0
        ? `: ${count(checked)} states rebuilt in ${bdiaRuns.length} training runs, ` +
          `${count(wrong)} elements different`
        : '') +
      '. ' +
      (planned === undefined
        ? ''
        : `${last.layers} layers keep ${mib(last.bdia.bytes.states)} MiB of states, as ` +
          `${first.layers} layers do, and ${mib(last.bdia.bytes.sideBits)} MiB of side bits, ` +
          `where storing needs ${mib(last.none.bytes.states)} MiB. `) +
      'Proof: `npm test -- reversal memory`.',
  );
  lines.push(
    '2. **The same bits everywhere.** Same seed, same text: the same weights, byte for byte, ' +
      'on every runtime and processor, for any number of threads and any split into ' +
      'micro-batches' +
      (matrix === undefined
        ? '. '
        : `: known answers and training runs have one digest on ${equal} of the ${ran} engines ` +
          'and processors tried. ') +
      `Proof: \`npm start\` trains ` +
      (golden.parameters > 0
        ? `a model of ${count(golden.parameters)} weights for ${count(golden.steps)} steps `
        : 'a model ') +
      'and compares the SHA-256 of its weights with the published one' +
      `${golden.parameters > 0 ? ` (${golden.weightsSha256.slice(0, 16)}...)` : ''}; \`npm ` +
      `test -- same-bits threads\`, and \`npm run conformance\`.`,
  );
  lines.push(
    '3. **Integers only, and it learns like float32.** No floating-point instruction in the ' +
      'WebAssembly module, from token to updated weight' +
      (ratios.length > 0
        ? `; validation loss at most ${Math.max(...ratios).toFixed(3)} times that of PyTorch ` +
          `in float32 after ${count(learned.steps)} steps, mean of ` +
          `${new Set(learned.runs.map((entry) => entry.seed)).size} seeds`
        : '') +
      '. Proof: `npm test -- release-text` and `node bench/learn.mjs --text FILE`.',
  );
  return lines.join('\n');
}

// ---- number formats -----------------------------------------------------------------------------

const numberFormats = async () =>
  table(['tensor', 'storage', 'fraction bits', 'step', 'range', 'beyond it'], await formatRows());
const formatConstants = async () => {
  const values = await constants();
  return table(
    ['constant', 'value', 'meaning'],
    documentedConstants('src/memory/formats.ts').map(({ names, doc }) => [
      names.map(code).join(', '),
      names.map((name) => count(values[name])).join('; '),
      doc,
    ]),
    [1],
  );
};
const rounding = async () =>
  table(['rule', 'formula', '-1.5', '-0.5', '0.5', '1.5', 'used for'], await ROUNDING_ROWS());
const bounds = async () => (await BOUNDS()).join('\n');
const largestErrors = () =>
  table(
    ['function', 'largest error allowed', 'test'],
    errorBounds().map(({ what, bound, file }) => [what, code(bound), `[${file}](../${file})`]),
  );

// ---- kernels ------------------------------------------------------------------------------------

const kernels = () =>
  contract()
    .map(({ title, files, kernels: list }) =>
      [
        `### ${title[0].toUpperCase()}${title.slice(1)}`,
        '',
        `${files.map((file) => `[assembly/${file}](../assembly/${file})`).join(', ')}`,
        '',
        table(
          ['kernel', 'computes'],
          list.map(({ name, computes }) => [code(name), computes]),
        ),
      ].join('\n'),
    )
    .join('\n\n');

// ---- the simulation that chose the formats ------------------------------------------------------

const losses = (values) => values.map((value) => value.toFixed(4)).join(', ');
function simulation() {
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
function simulationExponents() {
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
function simulationChanges() {
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

// ---- the command line and the example -----------------------------------------------------------

/** Examples say `retrograd`, however this program was started here. */
const helpOf =
  (...command) =>
  () =>
    fenced(runCli(...command, '--help').replace(/^ {2}\$ .*?cli\.js /gm, '  $ retrograd '));
const exampleOutput = () => fenced(run('--input-type=module', '--eval', exampleOf('README.md')));

/** What was tried for speed and precision, kept or not. */
function tried() {
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

export const BLOCKS = {
  claims,
  conformance,
  'conformance-rows': conformanceRows,
  learning,
  memory,
  glance,
  commands,
  tried,
  'example-output': exampleOutput,
  help: helpOf(),
  'help-train-gpt': helpOf('train', 'gpt'),
  'help-train-vit': helpOf('train', 'vit'),
  'help-train-translate': helpOf('train', 'translate'),
  ...Object.fromEntries(
    ['eval', 'sample', 'inspect', 'plot', 'demo', 'verify', 'translate'].map((name) => [
      `help-${name}`,
      helpOf(name),
    ]),
  ),
  ...Object.fromEntries(
    ['gpt', 'vit', 'translate'].map((kind) => [`help-plan-${kind}`, helpOf('plan', kind)]),
  ),
  'help-experiment': () => fenced(runExperiment('--help')),
  'help-bench': helpOf('bench', 'gpt'),
  'help-bench-vit': helpOf('bench', 'vit'),
  'help-bench-translate': helpOf('bench', 'translate'),
  'number-formats': numberFormats,
  'format-constants': formatConstants,
  rounding,
  bounds,
  'error-bounds': largestErrors,
  kernels,
  simulation,
  'simulation-exponents': simulationExponents,
  'simulation-changes': simulationChanges,
};

export const CHARTS = { 'memory.svg': () => memoryChart(result('memory')) };

/** What the run that was handed through several runtimes gave. */
function handoverWords({ weights, note, legs, equal }) {
  if (weights === undefined) return `**The handover failed: ${note}.** `;
  const steps = legs.map((leg) => `Steps ${leg.steps} in ${leg.runtime}`).join(', ');
  return (
    `${steps}, the checkpoint's bytes handed on: ` +
    `${equal ? 'the same weights as' : '**other weights than**'} all steps ` +
    `in one Node (SHA-256 ${code(weights.slice(0, 16))}). `
  );
}

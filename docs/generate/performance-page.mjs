// Makes docs/performance.md and docs/performance.svg from bench/results/performance-*.json, which
// bench/all.mjs writes. Every number on the page comes from there; a target that is missed and a
// comparison that is lost stay on it. docs.mjs renews them and checks them.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { count, table } from './markdown.mjs';
import { NAMES, performanceChart } from './performance-chart.mjs';
import { generateSection } from './performance-generate.mjs';
import { targets } from './performance-targets.mjs';
import { renew } from './renew.mjs';

const PARTS = ['gemm', 'step', 'memory', 'size', 'generation'];

// ---- writing numbers and tables -----------------------------------------------------------------

const from = (first, length) => Array.from({ length }, (_, i) => first + i);
const mib = (bytes) =>
  bytes / 2 ** 20 < 10 ? (bytes / 2 ** 20).toFixed(2) : count(bytes / 2 ** 20);
const kilobytes = ({ gzipped }) => (gzipped / 1000).toFixed(1);
const milliseconds = (value) => (value < 100 ? value.toFixed(1) : count(value));
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const threadsOf = (threads) => `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const modelOf = ({ vocabulary, layers, channels, heads, context }, batch) =>
  `${layers === undefined ? '' : `${layers} layers, `}${channels} channels, ${heads} heads, ` +
  `context ${context}, vocabulary ${vocabulary}, batch ${batch}`;
const environment = ({ cpu, cores, system, node, date, commit, versions, load, seconds }) =>
  `Measured on ${cpu}, ${cores} cores, ${system}, Node ${node} (V8 ${versions.v8}), ${date}, ` +
  `commit ${commit ?? 'unknown'}; ${count(seconds)} s, load at the start ${load}.`;
const notMeasured = (part) => `Not measured yet: run \`node bench/all.mjs --only ${part}\`.`;

// ---- the sections -------------------------------------------------------------------------------

/** What was aimed at, what was measured, and whether that is enough. */
function targetTable(results) {
  const rows = targets(results);
  if (rows.length === 0) return 'Not measured yet: run `node bench/all.mjs`.';
  return table(
    ['what', 'target', 'measured', 'reached'],
    rows.map(({ what, target, measured, reached }) => [
      what,
      target,
      measured,
      reached ? 'yes' : '**no**',
    ]),
  );
}

const GEMM_COLUMNS = [
  ['retrograd peak', 'peak loop'],
  ['retrograd packed', 'retrograd'],
  ['retrograd packing', 'packing B each time'],
  ['retrograd int64', 'into int64'],
  ['tfjs f32', 'tfjs f32'],
  ['ort f32', 'onnxruntime f32'],
  ['ort int8', 'onnxruntime u8 x s8'],
  ['jax f32', 'jax-js f32'],
];

const GEMM_ENGINES = {
  retrograd: 'retrograd',
  tfjs: 'tfjs',
  ort: 'onnxruntime-web',
  jax: 'jax-js',
};

function gemmSection(data) {
  if (data === undefined) return notMeasured('gemm');
  const rows = data.shapes.map(({ shape, rates, peakShare, overTfjs }) => [
    shape.join(' x '),
    ...GEMM_COLUMNS.map(([key]) => rates[key]?.median.toFixed(1) ?? '-'),
    percent(peakShare.median),
    overTfjs === undefined ? '-' : `${overTfjs.median.toFixed(2)} x`,
  ]);
  const failures = Object.entries(data.failed).map(
    ([engine, reason]) => `${GEMM_ENGINES[engine]} did not run: ${reason}.`,
  );
  const { versions } = data.stamp;
  return [
    table(
      ['M x N x K', ...GEMM_COLUMNS.map(([, title]) => title), 'of the peak', 'over tfjs'],
      rows,
      from(1, GEMM_COLUMNS.length + 2),
    ),
    '',
    `GMAC/s (10^9 multiply-accumulates a second), one thread, median of ${data.rounds} ` +
      `rounds of ${data.milliseconds} ms. The peak loop (\`src/cli/bench/peak.ts\`) does ` +
      'nothing but ' +
      '`i32x4.dot_i16x8_s` and `i32x4.add` on eight sums, with one operand from the ' +
      'first-level cache; it runs in turn with our kernels, a few milliseconds each, and the ' +
      'shares and ratios ' +
      'are medians of the rounds\' own. "retrograd" has B packed beforehand, as a training ' +
      'step has its weights; so does onnxruntime-web, whose B is a constant. All products ' +
      'are of the same ' +
      'whole numbers and equal those of plain loops in every element. tfjs ' +
      `${versions['@tensorflow/tfjs']} on its WebAssembly backend ` +
      `${versions['@tensorflow/tfjs-backend-wasm']}, ` +
      `onnxruntime-web ${versions['onnxruntime-web']}, jax-js ${versions['@jax-js/jax']} ` +
      `(under \`jit\`). ${[...failures, environment(data.stamp)].join(' ')}`,
  ].join('\n');
}

function stepRows({ engines, model, batch }) {
  const ours = engines.find(({ id, threads }) => id === 'retrograd none' && threads === 1)
    .milliseconds.median;
  return engines.map(({ id, threads, milliseconds: time, failed, steps, losses }) =>
    failed !== undefined
      ? [NAMES[id] ?? id, threads, `not run: ${failed}`, '', '', '', '', '']
      : [
          NAMES[id] ?? id,
          threads,
          milliseconds(time.median),
          `${milliseconds(time.low)} to ${milliseconds(time.high)}`,
          count((batch * model.context * 1000) / time.median),
          `${(time.median / ours).toFixed(2)} x`,
          steps,
          losses.at(-1).toFixed(3),
        ],
  );
}

/** How many steps each engine warmed up for, if the measurement says it. */
function warmUps({ engines }) {
  const steps = new Map(
    engines.filter(({ warmup }) => warmup !== undefined).map(({ id, warmup }) => [id, warmup]),
  );
  return steps.size === 0
    ? ''
    : ` (steps: ${[...steps].map(([id, warmup]) => `${id} ${warmup}`).join(', ')})`;
}

function stepSection(data) {
  if (data === undefined) return notMeasured('step');
  const { versions } = data.stamp;
  const torch = data.engines.find(({ id, version }) => id === 'PyTorch' && version !== undefined);
  const notes = data.engines
    .filter(({ lossNote }) => lossNote !== undefined)
    .map(({ id, threads, lossNote }) => `${id}, ${threadsOf(threads)}: ${lossNote}.`);
  const atOnce = data.ratios['two processes at once'];
  const differences = data.engines
    .filter(({ lossDifference }) => lossDifference !== undefined && lossDifference > 0)
    .map(({ lossDifference }) => lossDifference);
  return [
    table(
      [
        'engine',
        'threads',
        'ms a step',
        '10 % to 90 %',
        'tokens/s',
        'against ours',
        'steps timed',
        `loss at step ${data.comparedSteps}`,
      ],
      stepRows(data),
      from(1, 7),
    ),
    '',
    `GPT: ${modelOf(data.model, data.batch)}, ${count(data.parameters)} parameters, GELU, no ` +
      'biases, tied head; AdamW with clipping, constant rate. Every engine starts from the ' +
      'same weights and trains ' +
      `on the same batch, and losses are compared over ${data.comparedSteps} steps` +
      (differences.length > 0
        ? ': those of the float32 engines differ from ours by at most ' +
          `${(100 * Math.max(...differences)).toFixed(2)} %`
        : '') +
      '. ' +
      [
        'Reversible training draws random update factors, so its losses are others.',
        ...notes,
        '',
      ].join(' ') +
      `Each value is the median step of a fresh process after warm-up${warmUps(data)}; the ` +
      'table has the median over ' +
      `${data.rounds} rounds (jax-js on 2 threads and tfjs fewer) in which the engines took ` +
      `turns. jax-js ${versions['@jax-js/jax']}: one \`jit\` of forward, backward and AdamW; ` +
      `its threads need a shim of the browser's Worker in Node (` +
      `\`bench/compare/workers.mjs\`). tfjs ${versions['@tensorflow/tfjs']}: WebAssembly ` +
      'backend. ' +
      (torch === undefined
        ? ''
        : `PyTorch ${torch.version}: Debian's package with its BLAS, float32. `) +
      `Digests of our weights after the run are equal over all rounds and both thread counts. ${
        atOnce === undefined
          ? ''
          : 'Two processes of one thread each, which share nothing, make together ' +
            `${atOnce.median.toFixed(2)} times the ` +
            `steps of one alone (${atOnce.low.toFixed(2)} to ${atOnce.high.toFixed(2)}): two ` +
            'threads cannot be expected to do better. '
      }${environment(data.stamp)}`,
    '',
    '### Where the time goes',
    '',
    table(
      [
        'model',
        'update',
        'ms a step',
        'GMAC a step',
        'gemm kernels, of the time',
        'gemm kernels, of the peak',
        'whole step, of the peak',
      ],
      data.profiles.map((p) => [
        `${p.model.layers} layers, ${p.model.channels} channels, context ${p.model.context}, ` +
          `batch ${p.batch}`,
        p.reversible,
        milliseconds(p.milliseconds.median),
        (p.macs / 1e9).toFixed(2),
        percent(p.gemmShare.median),
        percent(p.gemmPeakShare.median),
        percent(p.stepPeakShare.median),
      ]),
      from(2, 5),
    ),
    '',
    'One thread, kernels of the matrix products timed and their multiply-accumulates counted ' +
      'call by call, recomputation included; the peak loop runs after every step. Median of ' +
      `${data.profiles.map(({ milliseconds: m }) => m.runs).join(', ')} steps. \`retrograd ` +
      `bench --profile\` lists every kernel.`,
  ].join('\n');
}

function memorySection(data) {
  if (data === undefined) return notMeasured('memory');
  const jaxCell = (jax, key) => {
    if (jax === undefined) return '-';
    return jax.failed === undefined ? mib(jax[key]) : `not run: ${jax.failed}`;
  };
  const rows = data.rows.map(({ layers, bdia, none, frugal, jax }) => [
    layers,
    mib(bdia.bytes.states),
    mib(bdia.bytes.sideBits),
    mib(bdia.total),
    mib(none.total),
    mib(frugal),
    jaxCell(jax, 'heap'),
    mib(bdia.processPeak),
    jaxCell(jax, 'processPeak'),
  ]);
  const [first, last] = [data.rows[0], data.rows.at(-1)];
  const layer = (value) => mib((value(last) - value(first)) / (last.layers - first.layers));
  const withJax = data.rows.filter(({ jax }) => jax?.heap !== undefined);
  const [a, b] = [withJax[0], withJax.at(-1)];
  return [
    table(
      [
        'layers',
        'states',
        'side bits',
        'reversible, all',
        'stored, all',
        'float32 frugal',
        'jax-js heap',
        'process, reversible',
        'process, jax-js',
      ],
      rows,
      from(0, 9),
    ),
    '',
    `MiB; GPT: ${modelOf({ ...data.model, layers: undefined }, data.batch)}. "All" is the ` +
      'plan that a run uses to the byte: weights, gradients, optimizer, states, side bits, ' +
      'workspace. ' +
      `Each layer adds ${layer(({ bdia }) => bdia.total)} MiB reversible (weights, gradients ` +
      `and optimizer: 20 bytes a parameter), ${layer(({ none }) => none.total)} stored, ` +
      `${layer(({ frugal }) => frugal)} to the frugal float32 ` +
      'trainer' +
      (withJax.length > 1
        ? `, ${mib((b.jax.heap - a.jax.heap) / (b.layers - a.layers))} to jax-js. `
        : '. ') +
      'Process: largest resident size of a fresh process that trained three steps, Node ' +
      `included (${mib(first.bdia.processBefore)} MiB before the model). ` +
      'jax-js: size of its WebAssembly memory after three steps, which never shrinks.',
    '',
    `The frugal float32 trainer is computed, not measured: ${data.frugal.formula} bytes with ` +
      'P parameters, B sequences of T tokens, C channels, H heads, V vocabulary, L layers: ' +
      `${data.frugal.words}. ` +
      'It is the fair comparison for the method; jax-js is what can be had. ' +
      `${environment(data.stamp)}`,
  ].join('\n');
}

function sizeSection(data) {
  if (data === undefined) return notMeasured('size');
  const parts = ({ parts: list, later }) =>
    [
      ...list.map((part) => `${part.name} ${kilobytes(part)}`),
      ...(later === undefined ? [] : [`${later.name}: ${kilobytes(later)}`]),
    ].join('; ');
  const bundles = data.bundles.map((row) =>
    row.failed !== undefined
      ? [row.engine, '', `not built: ${row.failed}`, '']
      : [row.engine, row.trains ? 'yes' : 'no', kilobytes(row.total), parts(row)],
  );
  const starts = data.starts.flatMap(({ model, batch, engines }) =>
    engines.map(({ engine, failed, first, second, import: load }) => [
      modelOf(model, batch),
      engine,
      ...(failed !== undefined
        ? [`not run: ${failed}`, '', '']
        : [milliseconds(first.median), milliseconds(load.median), milliseconds(second.median)]),
    ]),
  );
  return [
    table(['engine', 'can train', 'kB gzipped', 'of which'], bundles, [2]),
    '',
    'Code minified by esbuild, compressed by gzip -9, WebAssembly included. Ours holds ' +
      "model, optimizer and trainer; a rival's bundle is the training step of `bench/compare/` " +
      'with what it imports of the engine ' +
      '(tfjs: its core with gradients and the WebAssembly backend alone).',
    '',
    table(
      [
        'model',
        'engine',
        'import to end of first step, ms',
        'of that before the step',
        'second step, ms',
      ],
      starts,
      [2, 3, 4],
    ),
    '',
    'Fresh processes in turn, one thread, median of ' +
      `${data.starts.map(({ engines }) => engines[0].first.runs).join(' and ')}; the first ` +
      `step includes compiling and warming up. ${environment(data.stamp)}`,
  ].join('\n');
}

// ---- the page -----------------------------------------------------------------------------------

const page = (results) => `# Performance

What a training step takes, and what it takes elsewhere. \`node bench/all.mjs\` measures \
everything on this page again: it installs the other
engines, runs them and us in turn in one go on the same machine, checks that all compute the same, \
and writes this page. Nothing here is typed
by hand; what we lose stays. Times depend on the machine; ratios of the same run less so.

## In short

${targetTable(results)}

${
  results.step === undefined && results.memory === undefined
    ? ''
    : '![Charts: milliseconds of a training step for each engine, MiB of memory against depth]' +
      '(performance.svg)\n\n'
}## Matrix product

${gemmSection(results.gemm)}

## Training step

${stepSection(results.step)}

## Memory against depth

${memorySection(results.memory)}

## Size and start

${sizeSection(results.size)}

## Generation

${generateSection(results.generation)}
`;

/** The result files of a folder by part. */
export function readResults(folder = join(ROOT, 'bench', 'results')) {
  const files = PARTS.map((part) => [part, join(folder, `performance-${part}.json`)]);
  return Object.fromEntries(
    files
      .filter(([, file]) => existsSync(file))
      .map(([part, file]) => [part, JSON.parse(readFileSync(file, 'utf8'))]),
  );
}

/** Writes the page and the chart where they differ; returns the names of those. */
export function writePerformance({
  results: folder,
  out = join(ROOT, 'docs'),
  isCheck = false,
} = {}) {
  const results = readResults(folder);
  const made = { 'performance.md': page(results) };
  if (results.step !== undefined || results.memory !== undefined)
    made['performance.svg'] = performanceChart(results.step, results.memory);
  return renew(out, made, isCheck);
}

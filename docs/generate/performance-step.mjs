// The section on training steps of docs/performance.md: one table a kind of processor and version
// of Node, the newest first.

import { kindOf } from '../../bench/stamp.mjs';
import { count, table } from './markdown.mjs';
import { NAMES } from './performance-chart.mjs';
import {
  environment,
  from,
  milliseconds,
  modelOf,
  notMeasured,
  percent,
  threadsOf,
} from './performance-words.mjs';

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

/** The engines on one model. */
const stepTable = (data) =>
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
  );

/** How far the losses of other float engines are from ours, and what is to be said of some. */
function lossWords({ engines }) {
  const differences = engines
    .filter(({ lossDifference }) => lossDifference !== undefined && lossDifference > 0)
    .map(({ lossDifference }) => lossDifference);
  const notes = engines
    .filter(({ lossNote }) => lossNote !== undefined)
    .map(({ id, threads, lossNote }) => `${id}, ${threadsOf(threads)}: ${lossNote}.`);
  return [
    ...(differences.length === 0
      ? []
      : [
          'Losses of the other rows with a plain residual differ from those of the first by at ' +
            `most ${(100 * Math.max(...differences)).toFixed(2)} %.`,
        ]),
    ...notes,
  ];
}

function profileTable(profiles) {
  return [
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
      profiles.map((p) => [
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
    'int16 operands, one thread: the kernels of the matrix products are timed and their ' +
      'multiply-accumulates counted call by call, recomputation included; the peak loop runs ' +
      `after every step. Median of ${profiles.map(({ milliseconds: m }) => m.runs).join(', ')} ` +
      'steps.',
  ].join('\n');
}

const model = (data) =>
  `GPT: ${modelOf(data.model, data.batch)}, ${count(data.parameters)} parameters`;

/** The larger model. */
const largePart = (large) => [
  '',
  stepTable(large),
  '',
  [`${model(large)}.`, ...lossWords(large)].join(' '),
];

/** One measurement. */
function stepPart(data) {
  const { versions } = data.stamp;
  const torch = data.engines.find(({ id, version }) => id === 'PyTorch' && version !== undefined);
  const atOnce = data.ratios['two processes at once'];
  return [
    `### Steps: ${kindOf(data.stamp)}`,
    '',
    stepTable(data),
    '',
    [
      `${model(data)}. Medians over ${data.rounds} rounds; a process warms up${warmUps(data)}.`,
      ...lossWords(data),
      `jax-js ${versions['@jax-js/jax']}, tfjs ${versions['@tensorflow/tfjs']}` +
        `${torch === undefined ? '' : `, PyTorch ${torch.version}`}.`,
      ...(atOnce === undefined
        ? []
        : [
            'Two processes of one thread each, which share nothing, make together ' +
              `${atOnce.median.toFixed(2)} times the steps of one alone ` +
              `(${atOnce.low.toFixed(2)} to ${atOnce.high.toFixed(2)}): two threads cannot be ` +
              'expected to do better.',
          ]),
      ...(data.stamp.before === undefined
        ? []
        : [
            `"Before int8" is commit ${data.stamp.before}; its weights after the run are the same.`,
          ]),
      environment(data.stamp),
    ].join(' '),
    ...(data.large === undefined ? [] : largePart(data.large)),
    '',
    '#### Where the time goes',
    '',
    profileTable(data.profiles),
  ].join('\n');
}

const ABOUT =
  'GELU, no biases, tied head; AdamW with clipping, constant rate. Every engine starts from the ' +
  'same weights and trains on the same batch, and losses are compared step by step. Reversible ' +
  'training draws random update factors, so its losses are others. Each value is the median ' +
  'step of a fresh process after warm-up; a table has the median over rounds in which the ' +
  'engines took turns (jax-js on 2 threads and tfjs in fewer). jax-js: one `jit` of forward, ' +
  "backward and AdamW; its threads need a shim of the browser's Worker in Node " +
  '(`bench/compare/workers.mjs`). tfjs: WebAssembly backend. PyTorch: float32, in an ' +
  'environment without variables that choose kernels; "AVX2" has those that hold its libraries ' +
  'to AVX2. Digests of our weights after the run are equal over all rounds and both thread ' +
  'counts. `retrograd bench --profile` lists every kernel.';

/** All measurements. */
export const stepSection = (all = []) =>
  all.length === 0 ? notMeasured('step') : [ABOUT, ...all.map(stepPart)].join('\n\n');

// Makes docs/performance.md and docs/performance.svg from bench/results/performance-*.json, which
// bench/all.mjs writes. Every number on the page comes from there; a target that is missed and a
// comparison that is lost stay on it. docs.mjs renews them and checks them.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf, ROOT } from '../../bench/stamp.mjs';
import { table } from './markdown.mjs';
import { performanceChart } from './performance-chart.mjs';
import { gemmSection } from './performance-gemm.mjs';
import { generateSection } from './performance-generate.mjs';
import { int8Targets, isFast } from './performance-int8.mjs';
import { stepSection } from './performance-step.mjs';
import { targets } from './performance-targets.mjs';
import {
  environment,
  from,
  kilobytes,
  mib,
  milliseconds,
  modelOf,
  notMeasured,
} from './performance-words.mjs';
import { renew } from './renew.mjs';

const PARTS = ['gemm', 'step', 'memory', 'size', 'generation'];

// ---- the sections -------------------------------------------------------------------------------

const targetRows = (rows) =>
  table(
    ['what', 'target', 'measured', 'reached'],
    rows.map(({ what, target, measured, reached }) => [
      what,
      target,
      measured,
      reached ? 'yes' : '**no**',
    ]),
  );

/** What was aimed at, what was measured, and whether that is enough. */
function targetTable({ gemm, step, ...others }) {
  const newest = { ...others, gemm: gemm?.[0], step: step?.[0] };
  const rows = [...targets(newest), ...int8Targets(newest)];
  if (rows.length === 0) return 'Not measured yet: run `node bench/all.mjs`.';
  const kinds = new Set([gemm, step].filter(Boolean).map(([{ stamp }]) => kindOf(stamp)));
  return [
    targetRows(rows),
    '',
    'Products and steps: the newest measurement under the newest Node, ' +
      `${[...kinds].join('; ')}. Others are below.`,
    ...slowTargets(gemm, step),
  ].join('\n');
}

/** The same of int8 operands where no instruction multiplies bytes. */
function slowTargets(gemm = [], step = []) {
  const slow = (all) => all.find(({ stamp }) => !isFast(stamp));
  const found = { gemm: slow(gemm), step: slow(step) };
  const rows = int8Targets(found);
  if (rows.length === 0) return [];
  const kinds = new Set([found.gemm, found.step].filter(Boolean).map(({ stamp }) => kindOf(stamp)));
  const where = `Without an instruction for products of bytes, ${[...kinds].join('; ')}:`;
  return ['', where, '', targetRows(rows)];
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
    made['performance.svg'] = performanceChart(results.step?.[0], results.memory);
  return renew(out, made, isCheck);
}

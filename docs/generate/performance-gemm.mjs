// The section on matrix products of docs/performance.md: one table a kind of processor and version
// of Node, the newest first.

import { kindOf } from '../../bench/stamp.mjs';
import { table } from './markdown.mjs';
import { environment, from, notMeasured, percent } from './performance-words.mjs';

const COLUMNS = [
  ['retrograd peak', 'peak loop'],
  ['retrograd packed', 'retrograd'],
  ['retrograd packing', 'packing B each time'],
  ['retrograd int64', 'into int64'],
  ['retrograd int8 peak', 'int8 peak loop'],
  ['retrograd int8', 'int8'],
  ['retrograd int8 int64', 'int8 into int64'],
  ['tfjs f32', 'tfjs f32'],
  ['ort f32', 'onnxruntime f32'],
  ['ort int8', 'onnxruntime u8 x s8'],
  ['jax f32', 'jax-js f32'],
];

const ENGINES = {
  retrograd: 'retrograd',
  tfjs: 'tfjs',
  ort: 'onnxruntime-web',
  jax: 'jax-js',
};

const SHARES = [
  ['of the peak', 'peakShare', percent],
  ['int8, of its peak', 'int8Share', percent],
  ['int8 over int16', 'int8OverInt16', (value) => `${value.toFixed(2)} x`],
  ['over tfjs', 'overTfjs', (value) => `${value.toFixed(2)} x`],
];

/** One measurement; an older one has fewer columns. */
function gemmTable({ stamp, shapes, failed, rounds, milliseconds, int8Build }) {
  const columns = COLUMNS.filter(([key]) => shapes.some(({ rates }) => rates[key] !== undefined));
  const shares = SHARES.filter(([, key]) => shapes.some((one) => one[key] !== undefined));
  const rows = shapes.map((one) => [
    one.shape.join(' x '),
    ...columns.map(([key]) => one.rates[key]?.median.toFixed(1) ?? '-'),
    ...shares.map(([, key, write]) => (one[key] === undefined ? '-' : write(one[key].median))),
  ]);
  const failures = Object.entries(failed).map(
    ([engine, reason]) => `${ENGINES[engine]} did not run: ${reason}.`,
  );
  const { versions } = stamp;
  return [
    `### Products: ${kindOf(stamp)}`,
    '',
    table(
      ['M x N x K', ...columns.map(([, title]) => title), ...shares.map(([title]) => title)],
      rows,
      from(1, columns.length + shares.length),
    ),
    '',
    [
      `Median of ${rounds} rounds of ${milliseconds} ms. tfjs ${versions['@tensorflow/tfjs']} on`,
      `its WebAssembly backend ${versions['@tensorflow/tfjs-backend-wasm']},`,
      `onnxruntime-web ${versions['onnxruntime-web']},`,
      `jax-js ${versions['@jax-js/jax']} (under \`jit\`).`,
      ...(int8Build === undefined ? [] : [`int8 by the ${int8Build} build.`]),
      ...failures,
      environment(stamp),
    ].join(' '),
  ].join('\n');
}

const ABOUT =
  'GMAC/s (10^9 multiply-accumulates a second), one thread. The peak loop ' +
  '(`src/cli/bench/peak.ts`) does nothing but `i32x4.dot_i16x8_s` and `i32x4.add` on eight sums, ' +
  'with one operand from the first-level cache; that of int8 nothing but ' +
  '`i32x4.relaxed_dot_i8x16_i7x16_add_s` on twelve, or the three of the build of pairs on ten, ' +
  'or, where the baseline build is used, what int16 has. A loop runs in turn with our ' +
  "kernels, a few milliseconds each, and the shares and ratios are medians of the rounds' " +
  'own. "retrograd" has B packed beforehand, as a training step has its weights; so does ' +
  'onnxruntime-web, whose B is a constant. int8 has both operands packed. All products are ' +
  'of the same whole numbers and equal those of plain loops in every ' +
  'element.';

/** All measurements. */
export const gemmSection = (all = []) =>
  all.length === 0 ? notMeasured('gemm') : [ABOUT, ...all.map(gemmTable)].join('\n\n');

// The published vectors as docs/conformance.md has them: examples worked out from words to digest,
// digests of kernels, options and digests of training runs.

import { createHash } from 'node:crypto';
import { code, fenced, hex32, hexBytes, table } from './markdown.mjs';

/** The cases that the page works out: an integer type with a clamp, and int64 into a buffer that is
 *  added to. */
export const EXAMPLES = [
  {
    kernel: 'quantize_i32i16',
    place: 1,
    compute: ([[a], [, , , shift, bound]]) => {
      const rounded = a.map((value) => halfUp(value, shift));
      const out = rounded.map((value) => clamp(value, bound));
      return {
        out,
        result: out.filter((value, i) => value !== rounded[i]).length,
        how: `halfUp by ${shift}, clamped to +-${bound}`,
      };
    },
  },
  {
    kernel: 'accumulate_i64',
    place: 1,
    compute: ([[a, out], [, , , shift]]) => ({
      out: out.map((value, i) => value + halfUp(a[i], -shift)),
      result: 0,
      how: `added: halfUp by ${-shift} of argument 0; there is no result`,
    }),
  },
];
const halfUp = (a, s) => (s > 0 ? (a + (1n << BigInt(s - 1))) >> BigInt(s) : a << BigInt(-s));
function clamp(a, bound) {
  if (a > bound) return BigInt(bound);
  return a < -bound ? -BigInt(bound) : a;
}
const ARRAYS = { int16: Int16Array, int32: Int32Array, int64: BigInt64Array };
const bytesOf = (type, values) =>
  new Uint8Array(ARRAYS[type].from(values, type === 'int64' ? (value) => value : Number).buffer);

/** One case of the vectors, from words to digest. */
export function example(
  { philox4x32, runCase, createReferenceBackend },
  golden,
  { kernel, place, compute },
) {
  const one = golden.kernels[kernel].cases[place];
  const digest = Buffer.from(runCase(createReferenceBackend(2 ** 20), kernel, one)).toString('hex');
  const lines = [];
  if (digest.slice(0, 16) !== one.digest)
    throw new Error(`the digest of the example ${kernel} is ${digest}`);
  const buffers = one.args.flatMap((buffer, a) =>
    typeof buffer === 'number'
      ? []
      : [
          Array.from({ length: buffer.length }, (_, i) => {
            const [w0, w1] = philox4x32(i, a, 0, 0, one.stream, 0);
            const {
              type,
              low = -(2 ** (Number(type.slice(3)) - 1)),
              high = -low - 1,
              bits = 64,
              output,
            } = buffer;
            const value =
              type === 'int64'
                ? BigInt.asIntN(64, (BigInt(w1) << 32n) | BigInt(w0)) >> BigInt(64 - bits)
                : BigInt(low) + ((BigInt(w0) * BigInt(high - low + 1)) >> 32n);
            const made =
              type === 'int64'
                ? `w0 = ${hex32(w0)}, w1 = ${hex32(w1)}, (w1 * 2^32 + w0) >> ${64 - bits}`
                : `w0 = ${hex32(w0)}, ${low} + floor(w0 * ${high - low + 1} / 2^32)`;
            lines.push(
              `argument ${a}, element ${i}: ${made} = ${value}, bytes ` +
                `${hexBytes(bytesOf(type, [value]))}${output ? '  (written to)' : ''}`,
            );
            return value;
          }),
        ],
  );
  const { out, result, how } = compute([buffers, one.args]);
  const message = new Uint8Array([
    ...bytesOf('int64', [BigInt(result)]),
    ...bytesOf(one.args[1].type, out),
  ]);
  if (createHash('sha256').update(message).digest('hex') !== digest)
    throw new Error(`the example ${kernel} does not give the digest`);
  lines.push(
    '',
    `out = ${out.join(', ')}  (${how})${result > 0 ? `; result = ${result}` : ''}`,
    `digested: ${hexBytes(message.subarray(0, 8))} | ${hexBytes(message.subarray(8))}`,
    `SHA-256:  ${digest}`,
  );
  return [
    `Case ${place}, counted from 0, of \`${kernel}\` in the file:`,
    '',
    fenced(JSON.stringify(one)),
    '',
    fenced(lines.join('\n')),
  ].join('\n');
}

export function kernelList(golden) {
  const rows = Object.entries(golden.kernels).map(([name, { cases, digest }]) => [
    code(name),
    cases.length,
    code(digest),
  ]);
  return table(['kernel', 'cases', 'digest'], rows, [1]);
}

/** Options as a checkpoint has them, but for what decides no bit. */
function dataOf({ checkTrainOptions, optionsToData }, options) {
  const {
    microBatch: _,
    verify: _v,
    threads: _t,
    memoryLimit: _m,
    ...data
  } = optionsToData(checkTrainOptions(options));
  return JSON.stringify(data, (name, value) => (name === 'build' ? undefined : value));
}
export const runOptions = (modules) =>
  fenced(
    Object.entries(modules.RUNS)
      .map(([name, { run, steps }]) => {
        return `${name}: ${steps} steps\n  ${dataOf(modules, modules.smallRun(run).options)}`;
      })
      .join('\n'),
  );
export const runList = (golden) =>
  table(
    ['run', 'stage', 'digest'],
    Object.entries(golden.runs).flatMap(([name, stages]) =>
      Object.entries(stages).map(([stage, digest]) => [name, stage, code(digest)]),
    ),
  );

/** Throws unless the digest of everything is that of all digests. */
export function checkOverall(golden) {
  const all = [
    ...Object.values(golden.kernels).map(({ digest }) => digest),
    ...Object.values(golden.runs).flatMap((stages) => Object.values(stages)),
  ].join('');
  if (createHash('sha256').update(all).digest('hex') !== golden.digest)
    throw new Error('the digest of all vectors is not that of their digests');
}

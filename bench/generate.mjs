// What the generator is held to: characters a second of a small model beside computing every token
// anew, tokens a second of a model of GPT-2's size, the first token of a prompt beside one forward
// pass, and memory bandwidth. One thread; the best of several rounds, as other work only slows.
//
//   node bench/generate.mjs            prints it
//   node bench/generate.mjs --write    keeps it in bench/results/performance-generation.json, which
//                                      has one measurement a kind of processor; refused if the
//                                      machine has other work
//   node bench/generate.mjs --quick    the small model once: whether it runs
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Generator } from '../dist/generate.js';
import { createWasmBackend, gpt, packedBytes, panelStride, plain, Trainer } from '../dist/index.js';
import { refuse, resultFile, stamp, writeResult } from './stamp.mjs';

/** Random weights of a deviation of about 0.02, and 1 for gains. */
function randomWeights(config) {
  const { vocabulary: V, channels: C, context: T, layers } = config;
  let state = 1;
  const matrix = (name, shape, deviation = 0.02) => {
    const scale = deviation * Math.sqrt(3) * 2;
    const data = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.round((state / 2 ** 32 - 0.5) * scale * 2 ** 24);
    });
    return { name, shape, data, fraction: 24 };
  };
  const gain = (name) => ({
    name,
    shape: [C],
    data: new Int32Array(C).fill(2 ** 24),
    fraction: 24,
  });
  const small = 0.02 / Math.sqrt(2 * layers);
  const block = (k) => [
    gain(`block.${k}.norm1.gain`),
    matrix(`block.${k}.qkv.weight`, [3 * C, C]),
    matrix(`block.${k}.projection.weight`, [C, C], small),
    gain(`block.${k}.norm2.gain`),
    matrix(`block.${k}.up.weight`, [4 * C, C]),
    matrix(`block.${k}.down.weight`, [C, 4 * C], small),
  ];
  return [
    matrix('token.weight', [V, C]),
    matrix('position.weight', [T, C]),
    ...Array.from({ length: layers }, (_, k) => block(k)).flat(),
    gain('norm.gain'),
  ];
}

const now = () => performance.now();

const promptOf = (n, vocabulary) => Array.from({ length: n }, (_, i) => (i * 31 + 7) % vocabulary);

/** Least milliseconds of a piece of work in so many rounds. */
async function least(rounds, work) {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = now();
    await work();
    best = Math.min(best, now() - start);
  }
  return best;
}

/** Writes `tokens` tokens in each of `sequences` texts at a time. */
async function write(generator, { sequences, tokens, vocabulary }) {
  const one = async (seed) => {
    const options = { maxTokens: tokens, seed, temperature: 0.8, topK: 40 };
    for await (const _ of generator.generate(promptOf(1, vocabulary), options));
  };
  await Promise.all(Array.from({ length: sequences }, (_, seed) => one(seed)));
}

/** A model of 6 layers and 128 channels, and the same by computing every window anew. */
async function measureSmall(rounds) {
  const shape = { vocabulary: 96, layers: 6, channels: 128, heads: 4, context: 128 };
  const model = gpt(shape);
  const trainer = Trainer.create({ model, batch: 1, steps: 1 });
  const generator = Generator.create(trainer);
  const window = Int32Array.from(promptOf(128, 96));
  const tokens = 127;
  let [anew, kept] = [Infinity, Infinity]; // in turn, so that both meet the same machine
  for (let i = 0; i < 10 * rounds; i++) {
    anew = Math.min(anew, await least(2, () => trainer.predict(window)));
    const one = { sequences: 1, tokens, vocabulary: 96 };
    kept = Math.min(kept, await least(1, () => write(generator, one)));
  }
  const slide = { maxTokens: 1000, slide: 64, temperature: 0.8 };
  const long = await least(rounds, async () => {
    for await (const _ of generator.generate([1], slide));
  });
  return {
    anewTokensPerSecond: 1000 / anew,
    tokensPerSecond: (1000 * tokens) / kept,
    slidingByHalfTokensPerSecond: 1e6 / long,
    speedup: (anew * tokens) / kept,
  };
}

/** A model of GPT-2's size with random weights. */
async function measureLarge(rounds) {
  const V = 50257;
  const config = { vocabulary: V, layers: 12, channels: 768, heads: 12, context: 256 };
  const model = gpt({ ...config, rule: plain() });
  const tensors = randomWeights(config);
  const generator = Generator.create({ model, tensors }, { sequences: 16 });
  const rate = async (sequences, tokens) => {
    const shape = { sequences, tokens, vocabulary: V };
    const ms = await least(3 * rounds, () => write(generator, shape));
    return (1000 * sequences * tokens) / ms;
  };
  const prompt = promptOf(128, V);
  const first = await least(rounds + 1, async () => {
    for await (const _ of generator.generate(prompt, { maxTokens: 1 }));
  });
  const whole = await least(rounds + 1, () => generator.logits(prompt));
  return {
    parameters: tensors.reduce((sum, { data }) => sum + data.length, 0),
    bytes: generator.bytes,
    products: 12 * config.layers * config.channels ** 2 + V * config.channels,
    tokensPerSecond: await rate(1, 12),
    tokensPerSecondOf4: await rate(4, 5),
    tokensPerSecondOf16: await rate(16, 4),
    firstTokenMilliseconds: first,
    forwardPassMilliseconds: whole,
    firstTokenShare: first / whole,
  };
}

/** Bytes a second that one thread reads of 256 MiB. */
async function measureBandwidth(rounds) {
  const { kernels, base, memory } = createWasmBackend({ pages: 4200 });
  new Int32Array(memory.buffer).fill(1, base / 4); // memory that nobody wrote is one page of zeros
  const n = 2 ** 26;
  kernels.max_abs_i32(base, n, 1, n);
  const ms = await least(rounds * 2, () => kernels.max_abs_i32(base, n, 1, n));
  return (4 * n * 1000) / ms;
}

/** Multiply-accumulates a second of 16 rows with matrices of 768 x 768, from memory one after the
 *  other, or the same from the cache again and again. */
async function measureProducts(rounds) {
  const { kernels, base, memory } = createWasmBackend({ pages: 4200 });
  const [rows, size] = [16, 768];
  new Int16Array(memory.buffer).fill(1, base / 2);
  const bytes = packedBytes(size, size);
  const out = base + 2 * rows * size;
  const first = out + 4 * rows * size;
  const count = Math.floor((memory.buffer.byteLength - first) / bytes);
  const stride = panelStride(size);
  const multiply = (matrix) => {
    const at = first + matrix * bytes;
    kernels.gemm_i16i16i32(base, size, at, stride, out, size, rows, size, size);
  };
  const rate = async (place) => {
    const ms = await least(4 * rounds, () => {
      for (let i = 0; i < count; i++) multiply(place(i));
    });
    return (rows * size * size * count * 1000) / ms;
  };
  return { fromMemory: await rate((i) => i), fromCache: await rate(() => 0) };
}

const FILE = resultFile('performance-generation');
/** Most processes at work, on the average of the last minute, this one not among them. */
const QUIET = 1.5;

/** Refuses a machine that has other work. */
function requireQuiet(most) {
  const [load] = os.loadavg();
  if (load >= most)
    refuse(
      `the load of the last minute is ${load.toFixed(2)}, expected less than ${most}`,
      'try again later, or measure without --write',
    );
}

/** The measurements that are kept, with this one in the place of that of the same processor. */
function kept(result) {
  const others = existsSync(FILE)
    ? JSON.parse(readFileSync(FILE, 'utf8')).filter(
        ({ stamp: { cpu } }) => cpu !== result.stamp.cpu,
      )
    : [];
  return [...others, result].sort((a, b) => (a.stamp.cpu < b.stamp.cpu ? -1 : 1));
}

const options = { quick: { type: 'boolean' }, write: { type: 'boolean' } };
const { quick = false, write: isKept = false } = parseArgs({ options }).values;
if (isKept) requireQuiet(QUIET);
const rounds = quick ? 1 : 4;
const started = now();
const load = os.loadavg()[0].toFixed(1);
const bandwidth = await measureBandwidth(rounds);
const products = await measureProducts(rounds);
const small = await measureSmall(rounds);
const large = quick ? undefined : await measureLarge(rounds);
const seconds = Math.round((now() - started) / 1000);
const about = { ...stamp(), versions: { v8: process.versions.v8 }, load, seconds };
const result = { stamp: about, bytesReadPerSecond: bandwidth, products, small, large };
console.log(JSON.stringify(result, null, 2));
if (isKept && !quick) {
  requireQuiet(QUIET + 1);
  writeResult(FILE, kept(result));
}

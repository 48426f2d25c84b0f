// Part "gemm" of bench/all.mjs: matrix products of all engines and the peak loop, shape by shape in
// turn, round by round, each engine in a process of its own that idles when it is not asked. Every
// engine's product is checked against plain loops.

import { join } from 'node:path';
import { NODE } from '../stamp.mjs';
import { expectedFingerprint, SHAPES } from './product.mjs';
import { Contender, summary } from './turns.mjs';

const here = import.meta.dirname;
const scripts = (built) => ({
  retrograd: [join(built, 'bench-gemm.mjs')],
  tfjs: [join(here, 'gemm-tfjs.mjs')],
  ort: [join(here, 'gemm-ort.mjs')],
  jax: [join(here, 'gemm-jax.mjs')],
});

/** What a turn says of the product beside the peak and beside TensorFlow.js. */
function compare(turn, entry) {
  const ours = turn['retrograd packed'];
  const tfjs = turn['tfjs f32'];
  if (ours !== undefined) {
    entry.peakShare.push(ours / turn['retrograd peak']);
    entry.int64Share.push(turn['retrograd int64'] / turn['retrograd peak']);
    entry.int8Share.push(turn['retrograd int8 beside its peak'] / turn['retrograd int8 peak']);
    entry.int8OverInt16.push(turn['retrograd int8'] / ours);
  }
  if (ours !== undefined && tfjs !== undefined) entry.overTfjs.push(ours / tfjs);
}

/** { rounds, int8Build, shapes: [{ shape, rates: { 'retrograd packed': summary, ... }, peakShare,
 *  int64Share, int8Share (of the peak of its own instruction), int8OverInt16, overTfjs }],
 *  failed: { engine: reason } }. Rates in GMAC/s. */
export async function run({ quick, built, log }) {
  const rounds = quick ? 2 : 12;
  const milliseconds = quick ? 10 : 40;
  const failed = {};
  let int8Build;
  const engines = Object.entries(scripts(built)).map(([name, script]) => ({
    name,
    contender: new Contender([...NODE, ...script]),
  }));
  const measured = SHAPES.map((shape) => ({
    shape,
    expected: expectedFingerprint(shape),
    rates: {},
    peakShare: [],
    int64Share: [],
    int8Share: [],
    int8OverInt16: [],
    overTfjs: [],
  }));
  const keep = (rates, name, value) => {
    rates[name] ??= [];
    rates[name].push(value);
  };
  /** Asks one engine for one shape; what it gave goes into the entry and the turn. */
  async function ask({ name, contender }, entry, turn) {
    const request = { shape: entry.shape, milliseconds };
    const { error, fingerprint, rates, build } = await contender.ask(request);
    int8Build = build ?? int8Build;
    if (error !== undefined) failed[name] = error;
    else if (fingerprint !== undefined && fingerprint !== entry.expected)
      failed[name] = `a wrong product at ${entry.shape.join(' x ')}`;
    if (failed[name] !== undefined) {
      log(`${name}: ${failed[name]}`);
      return;
    }
    for (const [kind, rate] of Object.entries(rates)) {
      turn[`${name} ${kind}`] = rate;
      keep(entry.rates, `${name} ${kind}`, rate);
    }
  }
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}`);
    for (const entry of measured) {
      const turn = {};
      for (const engine of engines)
        if (failed[engine.name] === undefined) await ask(engine, entry, turn);
      compare(turn, entry);
    }
  }
  for (const { contender } of engines) contender.end();
  if (failed.retrograd !== undefined) throw new Error(`gemm: ${failed.retrograd}`);
  const shapes = measured.map(({ shape, expected: _, rates, overTfjs, ...shares }) => ({
    shape,
    rates: Object.fromEntries(
      Object.entries(rates).map(([name, values]) => [name, summary(values)]),
    ),
    ...Object.fromEntries(Object.entries(shares).map(([name, all]) => [name, summary(all)])),
    overTfjs: overTfjs.length > 0 ? summary(overTfjs) : undefined,
  }));
  return { rounds, milliseconds, int8Build, shapes, failed };
}

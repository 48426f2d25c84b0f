// Part "gemm" of bench/all.mjs: matrix products of all engines and the peak loop, shape by shape in
// turn, round by round, each engine in a process of its own that idles when it is not asked. Every
// engine's product is checked against plain loops.

import { join } from 'node:path';
import { expectedFingerprint, SHAPES } from './product.mjs';
import { Contender, summary } from './turns.mjs';

const here = import.meta.dirname;
const scripts = (built) => ({
  retrograd: [join(built, 'bench-gemm.mjs')],
  tfjs: [join(here, 'gemm-tfjs.mjs')],
  ort: [join(here, 'gemm-ort.mjs')],
  jax: [join(here, 'gemm-jax.mjs')],
});

/** { rounds, shapes: [{ shape, rates: { 'retrograd packed': summary, ... }, ratios: { peakShare,
 *  overTfjs } }], failed: { engine: reason } }. Rates in GMAC/s. */
export async function run({ quick, built, log }) {
  const rounds = quick ? 2 : 12;
  const milliseconds = quick ? 10 : 40;
  const failed = {};
  const engines = Object.entries(scripts(built)).map(([name, script]) => ({
    name,
    contender: new Contender([process.execPath, ...script]),
  }));
  const measured = SHAPES.map((shape) => ({
    shape,
    expected: expectedFingerprint(shape),
    rates: {},
    peakShare: [],
    int64Share: [],
    overTfjs: [],
  }));
  const keep = (rates, name, value) => (rates[name] ??= []).push(value);
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}`);
    for (const entry of measured) {
      const turn = {};
      for (const { name, contender } of engines) {
        if (failed[name] !== undefined) continue;
        const { error, fingerprint, rates } = await contender.ask({
          shape: entry.shape,
          milliseconds,
        });
        if (error !== undefined) failed[name] = error;
        else if (fingerprint !== undefined && fingerprint !== entry.expected)
          failed[name] = `a wrong product at ${entry.shape.join(' x ')}`;
        else
          for (const [kind, rate] of Object.entries(rates))
            keep(entry.rates, `${name} ${kind}`, (turn[`${name} ${kind}`] = rate));
        if (failed[name] !== undefined) log(`${name}: ${failed[name]}`);
      }
      const ours = turn['retrograd packed'];
      const tfjs = turn['tfjs f32'];
      if (ours !== undefined) {
        entry.peakShare.push(ours / turn['retrograd peak']);
        entry.int64Share.push(turn['retrograd int64'] / turn['retrograd peak']);
      }
      if (ours !== undefined && tfjs !== undefined) entry.overTfjs.push(ours / tfjs);
    }
  }
  for (const { contender } of engines) contender.end();
  if (failed.retrograd !== undefined) throw new Error(`gemm: ${failed.retrograd}`);
  const shapes = measured.map(({ shape, rates, peakShare, int64Share, overTfjs }) => ({
    shape,
    rates: Object.fromEntries(
      Object.entries(rates).map(([name, values]) => [name, summary(values)]),
    ),
    peakShare: summary(peakShare),
    int64Share: summary(int64Share),
    overTfjs: overTfjs.length > 0 ? summary(overTfjs) : undefined,
  }));
  return { rounds, milliseconds, shapes, failed };
}

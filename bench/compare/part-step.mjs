// Part "step" of bench/all.mjs: whole training steps of the same GPT from the same weights on the
// same batch. Every measurement is a fresh process that warms up and times a few steps; engines
// take turns, round by round. Losses and digests are compared.

import { join } from 'node:path';
import { NODE } from '../stamp.mjs';
import { engines, largeEngines, RATIOS } from './step-engines.mjs';
import { askFresh, summary } from './turns.mjs';

export const MODEL = { vocabulary: 96, layers: 6, channels: 128, heads: 4, context: 128 },
  BATCH = 8;
const LARGE = { vocabulary: 96, layers: 12, channels: 384, heads: 6, context: 256 };
const LARGE_BATCH = 4;
/** Steps from the start over which losses must fall alike, and how much the losses of float32
 *  engines may differ from ours. */
const COMPARED_STEPS = 11;
const LOSS_TOLERANCE = 0.02;

function lengthOf({ warmup, first, steps }, round, quick) {
  if (quick) return { warmup: 1, steps: 2 };
  return { warmup, steps: round === 0 ? (first ?? steps) : steps };
}

async function measure(engine, round, quick, log) {
  const { plan, request } = engine;
  const name = `${engine.id}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`;
  if (engine.failed !== undefined) {
    if (round === 0) log(`${name}: skipped, ${engine.failed}`);
    return;
  }
  const { warmup, steps } = lengthOf(plan, round, quick);
  const answer = await askFresh(
    engine.command,
    { ...request, warmup, steps, seconds: 60 },
    engine.env,
  );
  if (answer.error !== undefined) {
    if (engine.id.startsWith('retrograd')) throw new Error(`${name}: ${answer.error}`);
    engine.failed = /No module named '(torch|numpy)'/.test(answer.error)
      ? "Debian's python3-torch is not installed"
      : answer.error;
    log(`${name}: skipped, ${engine.failed}`);
    return;
  }
  const { median } = summary(answer.times);
  engine.byRound.set(round, median);
  engine.steps += answer.times.length;
  if (answer.losses.length > engine.losses.length) engine.losses = answer.losses;
  if (answer.digest !== undefined) {
    engine.digests ??= new Set();
    engine.digests.add(answer.digest);
  }
  engine.version = answer.version;
  log(`${name}: ${median.toFixed(1)} ms`);
}

/** What two threads could reach on this machine: how many steps two processes of one thread make at
 *  once, in the time that one alone needs just before and just after. */
async function twoAtOnce({ command, request, plan }, quick, log) {
  const { warmup, steps } = quick ? { warmup: 1, steps: 2 } : plan;
  const medians = [];
  for (const processes of [1, 2, 1])
    for (const { error, times } of await Promise.all(
      Array.from({ length: processes }, () => askFresh(command, { ...request, warmup, steps })),
    )) {
      if (error !== undefined) throw new Error(`two processes at once: ${error}`);
      medians.push(summary(times).median);
    }
  const [before, one, other, after] = medians;
  const alone = (before + after) / 2;
  const value = alone / one + alone / other;
  log(`two processes at once: ${value.toFixed(2)} x`);
  return value;
}

/** How far the losses of an engine are from ours: the largest relative difference over the compared
 *  steps. */
const lossDifference = (losses, ours) =>
  Math.max(...losses.slice(0, COMPARED_STEPS).map((loss, i) => Math.abs(loss / ours[i] - 1)));

const percentOf = (share) => `${(share * 100).toFixed(1)} %`;

function checkLosses(list) {
  const ours = list.find(({ id }) => id === 'retrograd none').losses;
  for (const engine of list.filter(({ losses }) => losses.length > 0)) {
    if (
      !engine.losses
        .slice(0, COMPARED_STEPS)
        .every((loss, i) => i === 0 || loss < engine.losses[i - 1])
    )
      engine.lossNote = 'its losses do not fall in every step';
    if (engine.id.startsWith('retrograd bdia')) continue; // another update rule, other losses
    engine.lossDifference = lossDifference(engine.losses, ours);
    if (engine.lossDifference > LOSS_TOLERANCE)
      engine.lossNote = `its losses differ from ours by up to ${percentOf(engine.lossDifference)}`;
  }
}

/** One digest over all rounds and thread counts of each update rule, or an error. */
function checkDigests(list) {
  const digests = {};
  for (const { id, digests: seen } of list.filter((engine) => engine.digests !== undefined))
    digests[id] = new Set([...(digests[id] ?? []), ...seen]);
  for (const [id, seen] of Object.entries(digests))
    if (seen.size !== 1)
      throw new Error(
        `${id}: ${seen.size} different digests of the weights over rounds and thread counts`,
      );
  const found = Object.fromEntries(Object.entries(digests).map(([id, seen]) => [id, [...seen][0]]));
  for (const [id, digest] of Object.entries(found))
    if (id.endsWith(' before') && digest !== found[id.replace(' before', '')])
      throw new Error(`${id}: the older build trains other weights`);
  return found;
}

/** Time of one engine over that of another, from the rounds in which both took part; undefined if
 *  there are none. */
function ratio(list, [id, threads], [otherId, otherThreads]) {
  const find = (name, count) =>
    list.find((engine) => engine.id === name && engine.threads === count)?.byRound ?? new Map();
  const other = find(otherId, otherThreads);
  const values = [...find(id, threads)]
    .filter(([round]) => other.has(round))
    .map(([round, value]) => value / other.get(round));
  return values.length > 0 ? summary(values) : undefined;
}

const ratios = (list) =>
  Object.fromEntries(
    RATIOS.map(([name, id, threads, otherId, otherThreads]) => [
      name,
      ratio(list, [id, threads], [otherId, otherThreads]),
    ]),
  );

/** Profiled runs of one model, with the peak loop between the steps. */
async function profile(model, batch, reversible, { built, log, rounds, warmup, steps }) {
  const all = [];
  for (let round = 0; round < rounds; round++) {
    const { error, samples } = await askFresh([...NODE, join(built, 'bench-step.mjs')], {
      task: 'profile',
      model,
      batch,
      reversible,
      warmup,
      steps,
    });
    if (error !== undefined) throw new Error(`profile: ${error}`);
    all.push(...samples);
  }
  const of = (value) => summary(all.map(value));
  const { macs, calls } = all[0];
  const result = {
    model,
    batch,
    reversible,
    macs,
    calls,
    milliseconds: of(({ step }) => step),
    gemmShare: of(({ gemm, step }) => gemm / step),
    gemmRate: of(({ gemm }) => macs / gemm / 1e6),
    stepRate: of(({ step }) => macs / step / 1e6),
    peak: of(({ peak }) => peak),
    gemmPeakShare: of(({ gemm, peak }) => macs / gemm / 1e6 / peak),
    stepPeakShare: of(({ step, peak }) => macs / step / 1e6 / peak),
  };
  log(
    `profile of ${model.layers} layers, ${model.channels} channels, ${reversible}: gemm ` +
      `${(100 * result.gemmShare.median).toFixed(1)} % of the step, ` +
      `${(100 * result.stepPeakShare.median).toFixed(1)} % of the peak over the whole step`,
  );
  return result;
}

/** What the page says of an engine. */
const told = (comparedSteps) => (engine) => ({
  id: engine.id,
  threads: engine.threads,
  version: engine.version,
  failed: engine.failed,
  warmup: engine.plan.warmup,
  milliseconds: engine.byRound.size > 0 ? summary([...engine.byRound.values()]) : undefined,
  steps: engine.steps,
  losses: engine.losses.slice(0, comparedSteps),
  lossDifference: engine.lossDifference,
  lossNote: engine.lossNote,
});

/** Engines of one model, in turn. `between` runs after every round. */
async function compare({ model, batch, folder, rounds, of, between }, how) {
  const { quick, built, before, log } = how;
  const command = [...NODE, join(built, 'bench-step.mjs')];
  const { error, parameters } = await askFresh(command, { task: 'export', model, batch, folder });
  if (error !== undefined) throw new Error(`export: ${error}`);
  const list = of({ model, batch, folder, built, before });
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}`);
    for (const engine of list)
      if (engine.plan.rounds(round)) await measure(engine, round, quick, log);
    await between?.(list);
  }
  checkLosses(list);
  const comparedSteps = Math.min(
    COMPARED_STEPS,
    ...list.map(({ losses }) => losses.length).filter((length) => length > 0),
  );
  return {
    model,
    batch,
    parameters,
    rounds,
    comparedSteps,
    digests: checkDigests(list),
    ratios: ratios(list),
    engines: list.map(told(comparedSteps)),
  };
}

/** Where the time goes, in both models. */
async function profiles({ quick, built, log }) {
  const few = quick ? { rounds: 1, warmup: 1, steps: 2 } : { rounds: 2, warmup: 3, steps: 8 };
  const found = [];
  for (const rule of ['none', 'bdia'])
    found.push(await profile(MODEL, BATCH, rule, { built, log, ...few }));
  const long = quick ? { rounds: 1, warmup: 0, steps: 1 } : { rounds: 3, warmup: 1, steps: 4 };
  for (const rule of quick ? ['bdia'] : ['none', 'bdia'])
    found.push(await profile(LARGE, LARGE_BATCH, rule, { built, log, ...long }));
  return found;
}

export async function run(how) {
  const { quick, built, log } = how;
  const rounds = quick ? 1 : 10;
  const atOnce = [];
  const small = {
    model: MODEL,
    batch: BATCH,
    folder: join(built, 'bench-task'),
    rounds,
    of: engines,
    between: async (list) => atOnce.push(await twoAtOnce(list[0], quick, log)),
  };
  const large = {
    model: LARGE,
    batch: LARGE_BATCH,
    folder: join(built, 'bench-task-large'),
    rounds,
    of: largeEngines,
  };
  const result = await compare(small, how);
  result.ratios['two processes at once'] = summary(atOnce);
  return { ...result, large: await compare(large, how), profiles: await profiles(how) };
}

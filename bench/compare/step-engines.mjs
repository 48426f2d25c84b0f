// Who takes part in the comparison of training steps (part-step.mjs): how each is started, how long
// it warms up and in which rounds it is asked.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NODE } from '../stamp.mjs';

const here = import.meta.dirname;
/** A python3 that has PyTorch: RETROGRAD_PYTHON, or that of Debian's python3-torch. */
const PYTHON = process.env.RETROGRAD_PYTHON ?? '/usr/bin/python3';

/** Warm-up, timed steps, and the rounds in which an engine takes part. Every engine warms up for a
 *  second and a half at least: so long the compiler of JavaScript works beside the engine, which on
 *  two threads has no third processor for it. */
const EVERY = { warmup: 20, steps: 10, rounds: (round) => round >= 0 };
const JAX = { warmup: 4, steps: 3, first: 9, rounds: (round) => round >= 0 };
const JAX_THREADS = { ...JAX, rounds: (round) => round % 2 === 0 };
const TFJS = { warmup: 1, steps: 2, first: 10, rounds: (round) => round % 5 === 0 };
/** Of a model whose steps take seconds: as many in every round, as the digests after them are held
 *  against each other. */
const LONG = { warmup: 2, steps: 3, rounds: (round) => round % 2 === 0 };

/** PyTorch on processors of two kinds: all that this one has, or no more than AVX2. The variables
 *  of its libraries, and no other of ours: some set a slower kernel for all programs. */
const TORCH = {
  PyTorch: {},
  'PyTorch, AVX2': {
    ATEN_CPU_CAPABILITY: 'avx2',
    ONEDNN_MAX_CPU_ISA: 'AVX2',
    MKL_ENABLE_INSTRUCTIONS: 'AVX2',
    OPENBLAS_CORETYPE: 'Haswell',
  },
};

/** Engines on a task: a model, its batch, the folder with its weights and tokens, where our own
 *  scripts are, and an older checkout, if there is one. */
function on({ model, batch, folder, built, before }) {
  const own = (reversible, operands, threads, plan = EVERY) => ({
    id: `retrograd ${reversible}${operands === 'int8' ? ' int8' : ''}`,
    threads,
    plan,
    command: [...NODE, join(built, 'bench-step.mjs')],
    request: { task: 'time', model, batch, reversible, operands, threads },
  });
  const torch = (id, threads, plan = EVERY) => ({
    id,
    threads,
    plan,
    command: [PYTHON, join(here, 'torch_step.py')],
    request: { folder, threads },
    env: {
      PATH: '/usr/bin',
      OMP_NUM_THREADS: String(threads),
      OPENBLAS_NUM_THREADS: String(threads),
      ...TORCH[id],
    },
    missing: existsSync(PYTHON) ? undefined : 'there is no Debian python3 here',
  });
  const rival = (id, script, threads, plan) => ({
    id,
    threads,
    plan,
    command: [...NODE, join(here, script)],
    request: { folder, threads },
  });
  const old = (reversible, plan = EVERY) => {
    if (before === undefined) return [];
    const RETROGRAD_LIBRARY = pathToFileURL(join(before, 'dist', 'index.js')).href;
    const env = { ...process.env, RETROGRAD_LIBRARY };
    const engine = own(reversible, 'int16', 1, plan);
    return [{ ...engine, id: `${engine.id} before`, env }];
  };
  return { own, torch, rival, old };
}

const asked = (engine) => ({
  ...engine,
  byRound: new Map(),
  steps: 0,
  losses: [],
  failed: engine.missing,
});

/** All engines, on the model that all can train. */
export function engines(task) {
  const { own, torch, rival, old } = on(task);
  return [
    own('none', 'int16', 1),
    own('none', 'int8', 1),
    ...old('none'),
    torch('PyTorch', 1),
    torch('PyTorch, AVX2', 1),
    own('bdia', 'int16', 1),
    own('bdia', 'int8', 1),
    ...old('bdia'),
    rival('jax-js', 'step-jax.mjs', 1, JAX),
    own('none', 'int16', 2),
    own('none', 'int8', 2),
    torch('PyTorch', 2),
    own('bdia', 'int16', 2),
    own('bdia', 'int8', 2),
    rival('jax-js', 'step-jax.mjs', 2, JAX_THREADS),
    rival('tfjs', 'step-tfjs.mjs', 1, TFJS),
  ].map(asked);
}

/** The fast ones, on a large model. */
export function largeEngines(task) {
  const { own, torch, old } = on(task);
  return [
    own('none', 'int16', 1, LONG),
    own('none', 'int8', 1, LONG),
    ...old('none', LONG),
    torch('PyTorch', 1, LONG),
    torch('PyTorch, AVX2', 1, LONG),
  ].map(asked);
}

/** Time of one engine over that of another: [name of the ratio, one, threads, other, threads]. */
export const RATIOS = [
  ['none / PyTorch', 'retrograd none', 1, 'PyTorch', 1],
  ['none / PyTorch, 2 threads', 'retrograd none', 2, 'PyTorch', 2],
  ['none int8 / PyTorch', 'retrograd none int8', 1, 'PyTorch', 1],
  ['none int8 / PyTorch, AVX2', 'retrograd none int8', 1, 'PyTorch, AVX2', 1],
  ['none int8 / none', 'retrograd none int8', 1, 'retrograd none', 1],
  ['none / before', 'retrograd none', 1, 'retrograd none before', 1],
  ['bdia / before', 'retrograd bdia', 1, 'retrograd bdia before', 1],
  ['none int8 / before', 'retrograd none int8', 1, 'retrograd none before', 1],
  ['bdia int8 / none int8', 'retrograd bdia int8', 1, 'retrograd none int8', 1],
  ['jax-js / none', 'jax-js', 1, 'retrograd none', 1],
  ['jax-js / none, 2 threads', 'jax-js', 2, 'retrograd none', 2],
  ['jax-js / none int8', 'jax-js', 1, 'retrograd none int8', 1],
  ['tfjs / none', 'tfjs', 1, 'retrograd none', 1],
  ['bdia / none', 'retrograd bdia', 1, 'retrograd none', 1],
  ['1 / 2 threads, none', 'retrograd none', 1, 'retrograd none', 2],
  ['1 / 2 threads, bdia', 'retrograd bdia', 1, 'retrograd bdia', 2],
  ['1 / 2 threads, none int8', 'retrograd none int8', 1, 'retrograd none int8', 2],
  ['1 / 2 threads, bdia int8', 'retrograd bdia int8', 1, 'retrograd bdia int8', 2],
];

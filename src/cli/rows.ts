// The rows of the table of options: the words and the help of each, of every kind of model, and how
// the given word is read. What only one kind has is in kinds/.

import { byteCount, choice, names, number, wholeNumber } from './argv.ts';
import { digestOf } from './expect.ts';
import { INT8_BUILDS } from './library.ts';
import { loraWord } from './lora.ts';

export const MAX_STEPS = 2 ** 31 - 1;
/** Of a round. */
const MAX_LOCAL_STEPS = 4096;

export type Row = [
  flags: string,
  help: string,
  parse?: (flag: string) => (given: string) => unknown,
];

/** The command line's own defaults; the rest are the library's. */
export interface Defaults {
  layers: number;
  channels: number;
  heads: number;
  batch: number;
  learningRate: number;
  warmup: number;
  /** Steps, or what gives them. */
  steps: number | string;
}

/** The options of a kind of model. */
export interface OptionRows {
  defaults: Defaults;
  /** Where the data are. */
  data: readonly Row[];
  /** What decides bits, of data and model. */
  model: readonly Row[];
  /** What changes no bit. */
  free: readonly Row[];
  /** Of `plan` alone: what it would know from the data. */
  plan: readonly Row[];
}

/** The shape of a stack of blocks. */
export const stackRows = ({ layers, channels, heads }: Defaults, ...more: Row[]): Row[] => [
  ['-l, --layers <n>', `L, blocks (${layers})`, number],
  ['-c, --channels <n>', `C, width of the residual stream (${channels})`, number],
  ['--heads <n>', `H, attention heads, a divisor of channels (${heads})`, number],
  ...more,
  ['--mlp-ratio <n>', 'width of the MLP in units of channels (4)', number],
  ['--bias', 'biases in linear layers and layer norms'],
];

/** Options that decide bits of the weights, of every kind: a resumed run has them from its
 *  checkpoint. */
export const decidingRows = ({ batch, steps, learningRate, warmup }: Defaults): Row[] => [
  ['-b, --batch <n>', `B, samples a step (${batch})`, number],
  ['-n, --steps <n>', `steps of the whole run (${steps})`, number],
  ['-s, --seed <n>', 'of weights, batches and everything drawn (1)', number],
  ['--lr, --learning-rate <x>', `at its peak (${learningRate})`, number],
  ['--warmup <n>', `steps of linear warm-up (${warmup}, at most steps)`, number],
  [
    '--decay <kind>',
    'cosine (to a tenth) or constant (cosine)',
    (flag) => choice(flag, 'cosine', 'constant'),
  ],
  ['--wd, --weight-decay <x>', 'of matrices and embeddings (0.1)', number],
  [
    '--clip <x>',
    'largest norm of the gradient; none: any (1)',
    (flag) => (given) => (given === 'none' ? given : number(flag)(given)),
  ],
  [
    '--shards <n>',
    'K, for slow links: shards of the batch that exchange weights every --local-steps (none)',
    (flag) => wholeNumber(flag, 1, 65536),
  ],
  [
    '--local-steps <n>',
    'H: steps that each shard makes by itself in a round; a divisor of --steps (none)',
    (flag) => wholeNumber(flag, 1, MAX_LOCAL_STEPS),
  ],
  [
    '--reversible <rule>',
    'bdia, coupling, momentum, leapfrog: states rebuilt backward, the same memory for any depth; ' +
      'none: stored, learns a little better on small models, take it where they fit; ' +
      'checkpointing: none, recomputed (bdia)',
    (flag) => choice(flag, 'bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'),
  ],
  ['--gamma-shift <m>', 'of bdia: gamma is +-2^-m (1)', number],
  ['--momentum <x>', 'of momentum: an eighth to seven eighths (0.875)', number],
  ['--random-momentum', 'of momentum: its sign drawn anew, none at inference'],
  ['--dropout <p>', "probability that an element of a sublayer's output is dropped (0)", number],
  [
    '--stochastic-depth <p>',
    'probability that the last block is left out, earlier ones in proportion (0)',
    number,
  ],
  ['--fraction-bits <l>', 'of the residual state, 6 to 14 (9)', number],
  [
    '--operands <format>',
    'of matrix products: int16, or int8, the faster where this machine has the instruction ' +
      '(bench says so) (int16)',
    (flag) => choice(flag, 'int16', 'int8'),
  ],
  [
    '--freeze <tensors>',
    'weights that stay as they are, without gradient and optimizer: names with a comma between, ' +
      "* for anything, ! takes out, as in '*,!block.11.*'",
    (flag) => names(flag),
  ],
  [
    '--lora <rank>',
    'learn a low-rank adapter (LoRA) on the weights of --init, which stay as they are: its rank, ' +
      '1 to 128, and maybe its matrices, as in 8 or 8:qkv,down (qkv,projection,up,down)',
    loraWord,
  ],
];

/** Options that change speed and memory, never a bit. */
export const FREE: Row[] = [
  ['--micro-batch <n>', 'samples held at a time, a divisor of batch (batch); same bits', number],
  [
    '-j, --threads <n>',
    'threads that share the samples of a micro-batch (those of this machine, at most 4); same bits',
    number,
  ],
  [
    '--kernels <build>',
    'of int8 operands: relaxed, pairs, baseline, or auto, the fastest one here (auto); same bits',
    (flag) => choice(flag, 'auto', ...INT8_BUILDS),
  ],
  ['--no-verify', 'do not check every rebuilt state against its hash'],
  ['--memory-limit <bytes>', 'refuse a run that needs more, as in 512MiB (3.75GiB)', byteCount],
];

export const RUNNING: Row[] = [
  ['-o, --out <dir>', 'save checkpoints in this directory'],
  [
    '--save-every <n>',
    'save every n steps too, not only at the end',
    (flag) => wholeNumber(flag, 1, MAX_STEPS),
  ],
  [
    '--receipt <file>',
    'write a receipt: digests of every step, by which others can check the run (audit)',
  ],
  ['--receipt-full', 'in the receipt the digest of each tensor too, after every step'],
  [
    '--keep-states',
    'keep the checkpoint of every save, as state-STEP.safetensors: an audit can begin there',
  ],
  [
    '--server <address>',
    'have the steps computed by workers (retrograd worker) that find each other at this NATS ' +
      'server, as nats://user:password@host:4222; same bits',
  ],
  ['--creds <file>', "a user's credentials for the server"],
  [
    '--workers <n>',
    'start n workers on this machine, and a server if --server is not given',
    (flag) => wholeNumber(flag, 1, 256),
  ],
  [
    '--parts <n>',
    'parts of a step, for as many workers (2, or --workers); same bits',
    (flag) => wholeNumber(flag, 1, 65536),
  ],
  [
    '--replicate <n>',
    'workers that have to agree on each part, for those that nobody knows (1)',
    (flag) => wholeNumber(flag, 1, 8),
  ],
  [
    '--spot-checks <share>',
    'of the parts, computed here too (0.01, or 0.1 where workers have to agree)',
    number,
  ],
  ['--export-float32', 'save the weights as float32 beside each checkpoint'],
  ['--keep-best', 'keep best.safetensors too, the checkpoint of the lowest validation loss so far'],
  [
    '--validate-every <n>',
    'validation loss of all held-out data every n steps, 0: only at the end ' +
      '(about twenty times, of a few samples)',
    (flag) => wholeNumber(flag, 0, MAX_STEPS),
  ],
  [
    '--stop-at <step>',
    'end early, as Ctrl-C would: checkpoint written, schedule unchanged',
    (flag) => wholeNumber(flag, 1, MAX_STEPS),
  ],
  ['-r, --resume <dir>', 'continue this run bit for bit to its --steps; more --steps extend it'],
  [
    '--init <dir>',
    'begin with the weights and the vocabulary of this run; optimizer and schedule begin anew',
  ],
  [
    '--fresh <tensors>',
    'weights that --init leaves as they begin: names with a comma between, * for anything, as in ' +
      "'head.*'",
    (flag) => names(flag),
  ],
  [
    '--expect <sha>',
    'exit with 1 if the weights have another SHA-256 at the end, for CI',
    digestOf,
  ],
];

/** Of `plan` alone. */
export const BENCH: Row = [
  '--bench <file>',
  'say the time too, by what `bench --json` printed on this machine into this file',
];

/** `--lr, --learning-rate <x>` → `--learning-rate`: the long form, by which errors and hints name
 *  the option. */
export const longFlag = ([flags]: Row): string =>
  flags.replace(/ <.*/, '').split(', ').at(-1) as string;
/** `--learning-rate` → learningRate. */
export const optionName = (row: Row): string =>
  longFlag(row)
    .replace(/^--(no-)?/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

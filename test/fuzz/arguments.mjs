// Every public function, method and getter of the package with hostile arguments: each is called
// as it should be, but for one or more arguments (or properties of them) that are something else.
// Anything but an error of the library's own is a fault.
//
//   npm run fuzz:arguments -- --cases 500000

import { CODEC_CALLS } from './arguments-codec.mjs';
import { DATA_CALLS } from './arguments-data.mjs';
import { DISTRIBUTED_CALLS } from './arguments-distributed.mjs';
import { FLOW_CALLS } from './arguments-flows.mjs';
import {
  C,
  gpt,
  initial,
  N,
  PAIR,
  R,
  S,
  T,
  TOKENS,
  translator,
  V,
  vit,
  W,
  WINDOW,
} from './arguments-good.mjs';
import { MODEL_CALLS } from './arguments-models.mjs';
import { NATS_CALLS } from './arguments-nats.mjs';
import { RECEIPT_CALLS } from './arguments-receipt.mjs';
import { TOKENIZER_CALLS } from './arguments-tokenizer.mjs';
import { detached, spoil } from './hostile.mjs';
import { fuzz, fuzzOptions } from './runner.mjs';

const CALLS = [
  ...[...MODEL_CALLS, ...FLOW_CALLS, ...DATA_CALLS, ...TOKENIZER_CALLS, ...CODEC_CALLS],
  ...[...RECEIPT_CALLS, ...DISTRIBUTED_CALLS, ...NATS_CALLS],
];

// ---- callbacks that do what they should not -----------------------------------------------------

/** Something that a callback does to what it was given, or to the trainer that calls it. */
const misdeed = (random, tokens) =>
  random.pick([
    () => tokens.fill(2 ** 30),
    () => tokens.fill(-1),
    () => detached(tokens),
    () => gpt.step(WINDOW()),
    () => gpt.evaluate(WINDOW()),
    () => gpt.predict(TOKENS()),
    () => gpt.restore(initial, 1),
    () => gpt.close(),
  ]);
const CALLBACKS = [
  [
    'onSample of text',
    (random) => {
      const inputs = new Int32Array(32);
      const targets = new Int32Array(32);
      const onSample = misdeed(random, random.pick([inputs, targets]));
      gpt.evaluate({ inputs, targets }, { onSample });
    },
  ],
  [
    'onSample of images',
    (random) => {
      const images = new Uint8Array(48);
      const labels = new Int32Array(3);
      const onSample = misdeed(random, random.pick([images, labels]));
      vit.evaluate({ images, labels }, { onSample });
    },
  ],
  [
    'next of a beam',
    (random) => {
      const next = translator.predictor(Int32Array.of(4, 5, 2));
      const logits = [0, 1, 2, 3, 4, 5];
      const misdo = (prefix) => {
        const found = random.oneIn(2) ? next(prefix) : logits;
        const shorten = () => {
          logits.length = 3;
        };
        random.pick([() => prefix.fill(9), () => translator.step(PAIR()), shorten])();
        return found;
      };
      R.beamSearch(misdo, { beam: 2, begin: 1, end: 2, maxLength: 3 });
    },
  ],
];

// ---- nothing is left out ------------------------------------------------------------------------

/** What has no case: constants, and errors, which others than the library do not make. */
const CONSTANTS = [
  ...['INT8_BUILDS', 'INT8_CHUNK', 'INT8_COLUMN_MAX', 'INT8_L1_MAX'],
  ...['INT8_OPERAND_MAX', 'INT8_ROW_MAX'],
  'LORA_COLUMNS_MAX',
  'LORA_RANK_MAX',
  ...['MAX_CHECKPOINT_BYTES', 'MAX_RECEIPT_BYTES', 'RECEIPT_FORMAT'],
  ...['ARCHIVE_FORMAT', 'MAX_SYMBOLS', 'MODEL_FORMAT', 'TOTAL', 'TOTAL_BITS'],
  'SPECIAL',
  'UNICODE_VERSION',
];
const ERRORS = [
  'CheckpointError',
  'CodecError',
  'DistributedError',
  'OverflowError',
  'ReceiptError',
  'ReconstructionError',
  'RetrogradError',
];
/** What layers, rules, losses and optimizers of one's own are made of: addresses of memory, taken
 *  on trust where every sample passes. (`serve` has work to do in a worker only.) */
const INNER = [
  ...['Arena', 'Columns', 'Matrix', 'Parameter', 'Planner', 'Run', 'Sum', 'Tensor', 'tensorBytes'],
  ...['activationFraction', 'clearGradient', 'eachGradient', 'factorOf', 'largestMaster'],
  ...['moveWeight', 'normals', 'pairHash', 'serve', 'stateLimit', 'times', 'toOperand'],
  ...['attachInt8', 'imageKernelsOf', 'int8PackedBytes', 'int8Room', 'int8RowBytes'],
  ...['loraRoom', 'packedBytes', 'panelStride'],
];
const OTHERS = new Set([...CONSTANTS, ...ERRORS, 'UsageError', ...INNER]);

/** What cases call instances of public classes. */
const INSTANCES = {
  BytePairs: ['pairs'],
  Channel: ['here'],
  Coordinator: ['coordinator'],
  EpochOrder: ['order'],
  FrequencyTable: ['table'],
  ImageModel: ['images'],
  MessageModel: ['model'],
  PairData: ['data'],
  PartSum: ['sum'],
  RangeDecoder: ['decoder'],
  RangeEncoder: ['encoder'],
  Recorder: ['recorder'],
  TokenDecoder: ['decoder'],
  Tokenizer: ['tokenizer'],
  Trainer: ['gpt', 'translator', 'closed'],
  Vocabulary: ['vocabulary'],
};
/** Private, but for names that the bundle keeps (others begin with $ there), and every class's. */
const PRIVATE = [
  ...['accumulate', 'forTests', 'parse', 'put', 'run', 'show', 'skip', 'write'],
  ...['ask', 'fail', 'pause', 'putAgain', 'report'],
];
const EVERY = ['constructor', 'length', 'name', 'prototype'];
const isPublic = (name) => !name.startsWith('$') && ![...PRIVATE, ...EVERY].includes(name);

/** Methods and getters of a class, each as the names that a case of it may have. */
function membersOf(name, type) {
  const methods = Object.getOwnPropertyNames(type.prototype).filter(isPublic);
  return [
    ...Object.getOwnPropertyNames(type)
      .filter(isPublic)
      .map((word) => [`${name}.${word}`]),
    ...methods.map((word) => INSTANCES[name].map((instance) => `${instance}.${word}`)),
  ];
}

const ENTRIES = [R, V, T, C, S, N, W];

/** Every public function, method and getter, as the names that a case of it may have. */
const publicNames = () =>
  ENTRIES.flatMap(Object.entries)
    .filter(([name]) => !OTHERS.has(name))
    .flatMap(([name, value]) => (name in INSTANCES ? membersOf(name, value) : [[name]]));

/** Throws for a public name that no case has, and for one that is left out but is not there. */
function checkTargets() {
  const cases = new Set(CALLS.map(([name]) => name.split(/[, ]/)[0]));
  const missing = publicNames().filter((names) => !names.some((name) => cases.has(name)));
  const gone = [...OTHERS].filter((name) => !ENTRIES.some((entry) => name in entry));
  if (missing.length > 0) throw new Error(`no case has ${missing.join(', ')}`);
  if (gone.length > 0) throw new Error(`not public: ${gone.join(', ')}`);
}

/** Whether an error is one that a callback of the caller's threw, which comes through as it is. */
const OWN = /^(Retrograd|Usage|Checkpoint|Codec|Distributed|Overflow|Receipt|Reconstruction)Error$/;
const OF_THE_CALLER = /^(of the caller$|a trap$|Class constructor|Cannot perform 'apply' on)/;
const isRefusal = (error) => OWN.test(error?.name) || OF_THE_CALLER.test(error?.message);

checkTargets();
const targets = [
  ...CALLS.map(([name, call, args]) => ({
    name,
    run: async (random) => {
      await call(...spoil(args(), random));
    },
  })),
  ...CALLBACKS.map(([name, run]) => ({ name, run })),
];

/** Half a gibibyte: 2^26 bytes for a run, and room for what the collector has not taken yet. */
const SETTINGS = { isRefusal, limits: { slow: 2000, heavy: 2 ** 29 } };
export const run = (options, settings = {}) =>
  fuzz('arguments', targets, options, { ...SETTINGS, ...settings });

if (process.argv[1] === import.meta.filename) await run(fuzzOptions(20_000));

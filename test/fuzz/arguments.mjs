// Every public function, method and getter of the package with hostile arguments: each is called
// as it should be, but for one or more arguments (or properties of them) that are something else.
// Anything but an error of the library's own is a fault.
//
//   npm run fuzz:arguments -- --cases 500000

import { types } from 'node:util';
import vm from 'node:vm';
import { fuzz, fuzzOptions } from './runner.mjs';

const R = await import('../../dist/index.js'), V = await import('../../dist/verify.js');
const SMALL = await import('../../dist/index.js');

// ---- values that nobody expects -----------------------------------------------------------------

const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const detached = (array) => {
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const raise = (error) => () => {
  throw error;
};
const traps = (error) => Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor']
    .map((trap) => [trap, raise(error)]),
);
/** Another value whenever it is read. */
const changing = (...values) => {
  let reads = 0;
  return new Proxy({}, { get: () => values[reads++ % values.length] });
};
const realm = (code) => vm.runInNewContext(code);
const liar = (array, properties) => Object.defineProperties(array, Object.fromEntries(
  Object.entries(properties).map(([key, value]) => [key, { value }]),
));
const tag = Symbol.toStringTag;

/** Makers, for some values are good for one use. */
const VALUES = [
  () => undefined, () => null, () => true, () => false, () => 0, () => -0, () => 1, () => -1,
  () => 0.5, () => NaN,
  () => Infinity, () => -Infinity, () => 2 ** 31, () => 2 ** 32, () => 2 ** 53, () => 1e308,
  () => 5e-324, () => 3,
  () => 1n, () => 2n ** 70n, () => '', () => '1', () => 'bdia', () => 'x'.repeat(1e5),
  () => '\ud800', () => '__proto__',
  () => Symbol('s'), () => Symbol.iterator, () => () => 1,
  () => raise(new TypeError('of the caller')), () => class {},
  () => [], () => [1, 2, 3], () => [1, , 3], () => ['1'], () => Array(2 ** 32 - 1), () => [[1]],
  () => [null],
  () => ({}), () => Object.create(null), () => ({ length: 3 }), () => ({ length: 2 ** 40 }),
  () => ({ length: -1 }),
  () => ({ length: '3', 0: 1 }),
  () => ({ get length() { throw new RangeError('of the caller'); } }),

  () => ({
    toString: raise(new Error('s')), valueOf: raise(new Error('v')),
    [Symbol.toPrimitive]: raise(new Error('p')),
  }),
  () => JSON.parse('{"__proto__": {"batch": 1}, "length": 1}'), () => ({ name: 'norm.gain' }),
  () => ({ kind: 'bytes' }),
  () => new Proxy({}, traps(new TypeError('a trap'))),
  () => new Proxy([], traps(new RangeError('a trap'))),
  () => new Proxy(() => 1, traps(Symbol('thrown'))), () => new Proxy({}, traps(undefined)),
  () => new Proxy([1, 2], {}),
  () => new Proxy(new Int32Array(4), {}), () => new Proxy(new Uint8Array(4), {}), () => revoked({}),
  () => revoked([]),
  () => revoked(() => 1), () => changing(1, 'x', undefined), () => changing([], {}, 4, NaN),
  () => new Int32Array(4), () => Int32Array.of(0, 1, 2, 3), () => Int32Array.of(-1, 9, 2 ** 31, 3),
  () => new Int32Array(0),
  () => Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0), () => new Uint8Array(16), () => new Uint8Array(0),
  () => Buffer.from('a\tb\n'),
  () => new Int16Array(4), () => new Uint16Array(4), () => new Uint32Array(4),
  () => new Int8Array(4), () => new Uint8ClampedArray(16),
  () => Float64Array.of(0, NaN, Infinity), () => new Float32Array(4), () => new BigInt64Array(4),
  () => new DataView(new ArrayBuffer(4)),
  () => new ArrayBuffer(16), () => new SharedArrayBuffer(16),
  () => new Int32Array(new SharedArrayBuffer(16)),
  () => new Uint8Array(new SharedArrayBuffer(16)), () => detached(new Int32Array(4)),
  () => detached(new Uint8Array(16)),
  () => new Int32Array(new ArrayBuffer(16, { maxByteLength: 32 })),
  () => realm('Int32Array.of(0, 1, 2, 3)'),
  () => realm('new Uint8Array(16)'), () => realm('[0, 1]'), () => realm('({})'),
  () => realm('(() => 1)'),
  () => liar(new Int32Array(2), { length: 4 }),
  () => liar(new Float32Array(4), { [tag]: 'Int32Array' }),
  () => liar(new Uint8Array(2), { length: 16, buffer: 1 }),
  () => ({ [tag]: 'Int32Array', length: 4 }),
  () => new Date(NaN), () => /x/, () => new Map(), () => new Set([1]), () => Promise.resolve(1),
  () => new Error('e'),
  () => new URL('file:///nowhere'), () => globalThis, () => Math, () => new WeakMap(),
  () => 'abc'[Symbol.iterator](),
];
const hostile = (random) => random.pick(VALUES)();

// ---- arguments, and what becomes of them --------------------------------------------------------

/** An array or object of the ones below: no hostile value of an earlier turn. */
const isPlain = (value) => {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (Array.isArray(value) && value.length > 1e5) return false;
  return [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));
};
const NAMES = ['lr', 'layer', 'learning_rate', '0', '__proto__', 'constructor', 'x', 'toString'];

/** A copy of an array or object, something of which is another: a property, a name, or all. */
function mutate(value, random) {
  if (!isPlain(value) || random.oneIn(5)) return hostile(random);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const keys = Object.keys(copy), key = random.pick(keys);
  const way = random.below(8);
  if (keys.length === 0 || way === 0) return addTo(copy, random);
  if (way === 1) delete copy[key];
  else if (way === 2)
    Object.defineProperty(copy, key, { enumerable: true, get: () => hostile(random) });
  else copy[key] = mutate(copy[key], random);
  return copy;
}

function addTo(copy, random) {
  const property = { value: hostile(random), enumerable: true, configurable: true };
  Object.defineProperty(copy, random.pick(NAMES), property);
  return copy;
}

/** Good arguments, one to three of which are not; sometimes too few, or one more. */
function spoil(args, random) {
  const spoiled = [...args];
  for (let n = 1 + random.below(3); n > 0 && args.length > 0; n--) {
    const at = random.below(args.length);
    spoiled[at] = mutate(spoiled[at], random);
  }
  if (random.oneIn(12)) spoiled.length = random.below(args.length + 1);
  if (random.oneIn(12)) spoiled.push(hostile(random));
  return spoiled;
}

// ---- how every one is called as it should be ----------------------------------------------------

const GPT = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
const VIT = {
  kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2,
  layers: 1, channels: 8, heads: 2,
};
const TRANSLATOR = {
  kind: 'translator', vocabulary: 6, layers: 1, channels: 8, heads: 2, context: 3,
};
const EVERYTHING = {
  seed: 1, learningRate: 0.01, warmup: 1, decay: 'cosine', weightDecay: 0.1, clip: 1,
  reversible: 'bdia', gammaShift: 1, momentum: 0.5, randomMomentum: false, dropout: 0,
  stochasticDepth: 0, fractionBits: 9, microBatch: 1, storeActivations: false, verify: true,
  threads: 1,  memoryLimit: 2 ** 26,
};
const runOf = (model) => ({ model, batch: 1, steps: 10, ...EVERYTHING });
const TOKENS = () => Int32Array.of(0, 1, 2, 3);
const TEXT = new TextEncoder().encode('she sells sea shells by the sea shore. '.repeat(4));
const TEXT_TOKENS = new Int32Array(50);
const PAIRS = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
const PAIR = () => ({
  source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
  input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
});
const SET = () => ({
  width: 3, height: 1, channels: 1, classes: 2, count: 2,
  pixels: new Uint8Array(6), labels: Int32Array.of(0, 1),
});
const IMAGE = () => ({
  width: 2, height: 1, channels: 1, pixels: new Uint8Array(2), label: 0, name: 'a',
});

const gpt = R.GptTrainer.create(runOf(GPT)), vit = R.VitTrainer.create(runOf(VIT));
const translator = R.TranslatorTrainer.create(runOf(TRANSLATOR));
const small = SMALL.GptTrainer.create(runOf(GPT));
const closed = R.GptTrainer.create({ ...runOf(GPT), threads: 2 });
closed.close();
const pairs = R.BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
/** Nothing asked of it yet. */
const fresh = () => R.PairData.encode(PAIRS, { source: pairs, target: pairs, context: 8 });
const data = fresh();
const vocabulary = R.Vocabulary.ofText(TEXT, 'characters'), order = new R.EpochOrder(1, 5);
const report = V.verify(undefined, R.createWasmBackend({ pages: 64 }));
const checkpoint = () => ({
  tensors: gpt.tensors().map((tensor) => ({ ...tensor })), options: gpt.options, step: 0,
  vocabulary: { kind: 'bytes' },
  dataSha256: '0'.repeat(64), libraryVersion: '0.1.0',
});
const file = await R.encodeCheckpoint(checkpoint()), backend = R.createWasmBackend({ pages: 1 });
const initial = gpt.tensors().map((tensor) => ({ ...tensor, data: new Int32Array(tensor.data) }));

/** [name, function, good arguments]. */
const CALLS = [
  ...[['retrograd', SMALL], ['all', R]].flatMap(([entry, L]) => [
    [`${entry}: checkTrainOptions`, L.checkTrainOptions, () => [runOf(GPT)]],
    [`${entry}: checkGptConfig`, L.checkGptConfig,
      () => [{ ...GPT, mlpRatio: 4, bias: false, tied: true }]],
    [`${entry}: gptParameters`, L.gptParameters, () => [{ ...GPT, bias: true }]],
    [`${entry}: planGpt`, L.planGpt, () => [runOf(GPT)]],
    [`${entry}: GptTrainer.create`, (...args) => L.GptTrainer.create(...args).logits(TOKENS()),
      () => [runOf(GPT)]],
    [`${entry}: decodeCheckpoint`, L.decodeCheckpoint, () => [new Uint8Array(file)]],
    [`${entry}: encodeCheckpoint`, L.encodeCheckpoint, () => [checkpoint()]],
  ]),
  ...[['gpt', gpt], ['small gpt', small], ['closed gpt', closed]].flatMap(([name, trainer]) => [
    [`${name}.trainStep`, (...args) => trainer.trainStep(...args), () => [TOKENS(), TOKENS()]],
    [`${name}.computeGradients`, (...args) => trainer.computeGradients(...args),
      () => [TOKENS(), TOKENS()]],
    [`${name}.evaluate`, (...args) => trainer.evaluate(...args),
      () => [Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0), () => 1, 0.5]],
    [`${name}.logits`, (...args) => trainer.logits(...args), () => [TOKENS()]],
  ]),
  ['vit.trainStep', (...args) => vit.trainStep(...args),
    () => [new Uint8Array(16), Int32Array.of(1)]],
  ['vit.computeGradients', (...args) => vit.computeGradients(...args),
    () => [new Uint8Array(16), Int32Array.of(1)]],
  ['vit.evaluate', (...args) => vit.evaluate(...args),
    () => [new Uint8Array(32), Int32Array.of(1, 0), () => 1, 0.25]],
  ['vit.logits', (...args) => vit.logits(...args), () => [new Uint8Array(16)]],
  ['translator.trainStep', (...args) => translator.trainStep(...args), () => [PAIR()]],
  ['translator.computeGradients', (...args) => translator.computeGradients(...args),
    () => [PAIR()]],
  ['translator.evaluate', (...args) => translator.evaluate(...args), () => [PAIR(), 1, 0.125]],
  ['translator.decoder', (source, prefix) => translator.decoder(source)(prefix),
    () => [Int32Array.of(4, 2), Int32Array.of(1, 4)]],
  ['gradient', (...args) => gpt.gradient(...args), () => ['norm.gain']],
  ['tensors', (...args) => gpt.tensors(...args), () => []],
  ['restore', (...args) => gpt.restore(...args),
    () => [initial.map((tensor) => ({ ...tensor })), 3]],
  ['weightsSha256', (...args) => gpt.weightsSha256(...args), () => []],
  ['close', (...args) => closed.close(...args), () => []],
  ['isWeight', R.isWeight, () => [{ name: 'norm.gain' }]],
  ['exportFloat32', R.exportFloat32,
    () => [gpt.tensors().map((tensor) => ({ ...tensor })), '0.1.0']],
  ['sha256Hex', R.sha256Hex, () => [new Uint8Array(9)]],
  ['createWasmBackend', R.createWasmBackend, () => [{ pages: 2, build: 'release', shared: false }]],
  ['fillBatch',
    R.fillBatch,
    () => [TEXT_TOKENS, { seed: 1, batch: 1, context: 4, step: 3 }, TOKENS(), TOKENS()]],
  ['chooseToken', R.chooseToken, () => [[0.5, -Infinity, 2], 1, 1, 0]],
  ['splitTokens', R.splitTokens, () => [new Int32Array(20)]],
  ['checkLength', R.checkLength, () => [new Int32Array(20), 3, 'tokens']],
  ['readText', R.readText, () => [TEXT, { context: 4, vocabulary: 'characters', what: 'text' }]],
  ['readText with a vocabulary', R.readText,
    () => [TEXT, { context: 4, vocabulary, what: 'text' }]],
  ['Vocabulary.bytes', R.Vocabulary.bytes, () => []],
  ['Vocabulary.ofText', R.Vocabulary.ofText, () => [TEXT, 'characters', 'text']],
  ['Vocabulary.fromJson', (value) => R.Vocabulary.fromJson(value)?.decode([0]),
    () => [{ kind: 'characters', symbols: 'abn' }]],
  ['vocabulary.toJson', (...args) => vocabulary.toJson(...args), () => []],
  ['vocabulary.encode', (...args) => vocabulary.encode(...args), () => [TEXT, 'text']],
  ['vocabulary.decode', (...args) => vocabulary.decode(...args), () => [[0, 1, 2]]],
  ['bytes.decode', (...args) => R.Vocabulary.bytes().decode(...args), () => [[0, 1, 200]]],
  ['checkVitConfig', R.checkVitConfig, () => [{ ...VIT, mlpRatio: 4, bias: false }]],
  ['vitParameters', R.vitParameters, () => [{ ...VIT, bias: true }]],
  ['checkVitOptions', R.checkVitOptions, () => [runOf(VIT)]],
  ['planVit', R.planVit, () => [runOf(VIT)]],
  ['VitTrainer.create', (...args) => R.VitTrainer.create(...args).steps, () => [runOf(VIT)]],
  ['checkTranslatorConfig', R.checkTranslatorConfig,
    () => [{ ...TRANSLATOR, mlpRatio: 4, bias: false }]],
  ['translatorParameters', R.translatorParameters, () => [{ ...TRANSLATOR, bias: true }]],
  ['checkTranslatorOptions', R.checkTranslatorOptions, () => [runOf(TRANSLATOR)]],
  ['planTranslator', R.planTranslator, () => [runOf(TRANSLATOR)]],
  ['TranslatorTrainer.create', (...args) => R.TranslatorTrainer.create(...args).steps,
    () => [runOf(TRANSLATOR)]],
  ['countPatches', R.countPatches, () => [{ width: 4, height: 4 }, 2]],
  ['patchesOf', R.patchesOf,
    () => [new Uint8Array(16), { width: 4, height: 4, channels: 1 }, 2, new Int16Array(16)]],
  ['checkImages', R.checkImages, () => [SET(), 'set', { names: ['a', 'b'], everyClass: true }]],
  ['fromImages', R.fromImages, () => [[IMAGE(), IMAGE()], 2, 'set', 3]],
  ['readIdx',
    R.readIdx,
    () => [
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9),
      Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7), ['i', 'l'], 10,
    ]],
  ['readCifar', R.readCifar, () => [new Uint8Array(3073), 10, 'cifar']],
  ['readDigits', R.readDigits,
    () => [new TextEncoder().encode([...Array(64).fill(0), 3].join()), 'digits']],
  ['EpochOrder', (...args) => new R.EpochOrder(...args).at(1), () => [1, 5]],
  ['order.at', (...args) => order.at(...args), () => [3]],
  ['augment', R.augment,
    () => [SET(), 0, new Uint8Array(3), { crop: 0, flip: true, fill: 0 }, 1, 0, 0]],
  ['normaliseSentence', R.normaliseSentence, () => ['  Va\u00a0!']],
  ['readPairs', R.readPairs,
    () => [new TextEncoder().encode('Go.\tVa !\nRun!\tCours !\n'), 'pairs']],
  ['readPairFiles', R.readPairFiles,
    () => [new TextEncoder().encode('a\nb'), new TextEncoder().encode('c\nd'), 's', 't']],
  ['splitPairs', R.splitPairs, () => [[...PAIRS, ...PAIRS], 2]],
  ['BytePairs.learn', R.BytePairs.learn, () => [['aaaa', 'aaab'], 8]],
  ['BytePairs.fromJson', (value) => R.BytePairs.fromJson(value)?.encode('ab'),
    () => [{ kind: 'byte-pairs', symbols: ' ab', merges: [5, 5] }]],
  ['pairs.encode', (...args) => pairs.encode(...args), () => ['go']],
  ['pairs.decode', (...args) => pairs.decode(...args), () => [[4, 5, 6]]],
  ['pairs.toJson', (...args) => pairs.toJson(...args), () => []],
  ['PairData.encode', R.PairData.encode,
    () => [PAIRS.map((pair) => ({ ...pair })), { source: pairs, target: pairs, context: 8 }]],
  ['data.copy', (...args) => data.copy(...args), () => [0, 1, R.createPairBatch(2, 8)]],
  ['data.pairAt', (...args) => fresh().pairAt(...args), () => [1, 3]],
  ['createPairBatch', R.createPairBatch, () => [2, 8]],
  ['fillPairBatch', R.fillPairBatch,
    () => [fresh(), { seed: 1, batch: 2, step: 0 }, R.createPairBatch(2, 8)]],
  ['beamSearch', R.beamSearch,
    () => [() => [0, 1, 2], { beam: 2, begin: 0, end: 1, maxLength: 3, lengthPenalty: 1 }]],
  ['beamSearch, logits',
    (logits) => R.beamSearch(() => logits, { beam: 2, begin: 0, end: 1, maxLength: 3 }),
    () => [[0, 1, 2]]],
  ['corpusBleu', R.corpusBleu, () => [['The cat sat.'], ['The cat sat.']]],
  ['verify', (onRow, own = backend) => V.verify(onRow, own), () => [() => 1, backend]],
  ['runCase',
    V.runCase,
    () => [backend, 'max_bits_i64', { stream: 1, args: [{ type: 'int64', length: 5 }, 5] }]],
  ['describeRuntime', V.describeRuntime, () => []],
  ['formatReport', V.formatReport,
    () => [{ ...report, rows: report.rows.slice(0, 2) }, 'a runtime']],
  ['summaryLine', V.summaryLine, () => [{ ...report, rows: [] }, 'a runtime']],
];

// ---- callbacks that do what they should not -----------------------------------------------------

/** Something that a callback does to what it was given, or to the trainer that calls it. */
const misdeed = (random, tokens) => random.pick([
  () => tokens.fill(2 ** 30), () => tokens.fill(-1), () => detached(tokens),
  () => gpt.trainStep(TOKENS(), TOKENS()),
  () => gpt.evaluate(new Int32Array(9)), () => gpt.logits(TOKENS()), () => gpt.restore(initial, 1),
  () => gpt.close(),
]);
const CALLBACKS = [
  ['onWindow', (random) => {
    const tokens = new Int32Array(33);
    gpt.evaluate(tokens, misdeed(random, tokens));
  }],
  ['onImage', (random) => {
    const images = new Uint8Array(48), labels = new Int32Array(3);
    vit.evaluate(images, labels, misdeed(random, random.pick([images, labels])));
  }],
  ['next of a beam', (random) => {
    const next = translator.decoder(Int32Array.of(4, 5, 2)), logits = [0, 1, 2, 3, 4, 5];
    R.beamSearch((prefix) => {
      const found = random.oneIn(2) ? next(prefix) : logits;
      const shorten = () => {
        logits.length = 3;
      };
      random.pick([() => prefix.fill(9), () => translator.trainStep(PAIR()), shorten])();
      return found;
    }, { beam: 2, begin: 1, end: 2, maxLength: 3 });
  }],
];

/** Whether an error is one that a callback of the caller's threw, which comes through as it is. */
const OWN = /^(Retrograd|Usage|Checkpoint|Overflow|Reconstruction)Error$/;
const OF_THE_CALLER = /^(of the caller$|a trap$|Class constructor|Cannot perform 'apply' on)/;
const isRefusal = (error) => OWN.test(error?.name) || OF_THE_CALLER.test(error?.message);

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

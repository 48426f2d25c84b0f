// What the public functions are given when they are called as they should be.

export const R = await import('../../dist/index.js');
export const V = await import('../../dist/verify.js');
export const X = await import('../../dist/export.js');
export const C = await import('../../dist/codec.js');
export const N = await import('../../dist/distributed.js');
export const S = await import('../../dist/receipt.js');
export const T = await import('../../dist/tokenizer.js');
export const W = await import('../../dist/nats.js');

export const SHAPE = { layers: 1, channels: 8, heads: 2 };
export const GPT = { vocabulary: 4, context: 4, ...SHAPE };
export const VIT = { width: 4, height: 4, colours: 1, classes: 2, patch: 2, ...SHAPE };
export const TRANSLATOR = { vocabulary: 6, context: 3, ...SHAPE };
export const FULL = { mlpRatio: 4, bias: false };

/** The same, with a prototype of its own: spoiled as a whole or not at all. */
export const whole = (value) =>
  Object.assign(Object.create(Object.create(Object.prototype)), value);
export const runOf = (model, more = {}) => ({
  model: whole(model),
  batch: 1,
  steps: 10,
  seed: 1,
  learningRate: 0.01,
  optimizer: whole(R.adamw()),
  clip: 1,
  dropout: 0,
  stochasticDepth: 0,
  fractionBits: 9,
  microBatch: 1,
  keep: 'rebuilt',
  verify: true,
  threads: 1,
  memoryLimit: 2 ** 26,
  ...more,
});
export const TOKENS = () => Int32Array.of(0, 1, 2, 3);
export const WINDOW = () => ({ inputs: TOKENS(), targets: TOKENS() });
export const TEXT = new TextEncoder().encode('she sells sea shells by the sea shore. '.repeat(4));
export const TEXT_TOKENS = new Int32Array(50);
export const PAIRS = [
  { source: 'go', target: 'va' },
  { source: 'run', target: 'cours' },
];
export const PAIR = () => ({
  source: Int32Array.of(4, 5, 2),
  sourceLengths: Int32Array.of(3),
  input: Int32Array.of(1, 5, 4),
  target: Int32Array.of(5, 4, 2),
  targetLengths: Int32Array.of(3),
});
export const PICTURE = () => ({ images: new Uint8Array(16), labels: Int32Array.of(1) });
export const VALUES = () => ({ values: [0.5, -1], targets: [1, 2] });
export const SET = () => ({
  width: 3,
  height: 1,
  channels: 1,
  classes: 2,
  count: 2,
  pixels: new Uint8Array(6),
  labels: Int32Array.of(0, 1),
});
export const IMAGE = () => ({
  width: 2,
  height: 1,
  channels: 1,
  pixels: new Uint8Array(2),
  label: 0,
  name: 'a',
});

/** The parts of a model of two numbers that predicts two. */
export const PARTS = () => ({
  input: whole(R.features({ count: 2 })),
  layers: [whole(R.linear(2))],
  loss: whole(R.meanSquaredError()),
});
export const own = R.defineModel('own', () => PARTS());

export const gpt = R.Trainer.create(runOf(R.gpt(GPT)));
export const vit = R.Trainer.create(runOf(R.vit(VIT)));
export const translator = R.Trainer.create(runOf(R.translator(TRANSLATOR)));
export const numbers = R.Trainer.create(runOf(own({}), { keep: undefined }));
export const closed = R.Trainer.create(runOf(R.gpt(GPT), { threads: 2 }));
closed.close();

export const pairs = R.BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
/** Nothing asked of it yet. */
export const fresh = () => R.PairData.encode(PAIRS, { source: pairs, target: pairs, context: 8 });
export const data = fresh();
export const vocabulary = R.Vocabulary.ofText(TEXT, 'characters');
export const tokenizer = T.Tokenizer.train('go go run running', { size: 262 });
export const decoder = tokenizer.decoder();
export const order = new R.EpochOrder(1, 5);
export const backend = R.createWasmBackend({ pages: 1 });
export const report = V.verify(undefined, R.createWasmBackend({ pages: 64 }));
export const tensors = () => gpt.tensors().map((tensor) => ({ ...tensor }));
export const checkpoint = () => ({
  tensors: tensors(),
  options: gpt.options,
  step: 0,
  vocabulary: { kind: 'bytes' },
  dataSha256: '0'.repeat(64),
  libraryVersion: '0.1.0',
});
export const file = await R.encodeCheckpoint(checkpoint());
export const initial = tensors().map((tensor) => ({
  ...tensor,
  data: new Int32Array(tensor.data),
}));

/** Trains and asks a model that is made of such parts; nothing is kept of it. */
export function use(parts, batch, sample) {
  const model = R.defineModel('used', () => ({ ...PARTS(), ...parts }))({});
  const trainer = R.Trainer.create({ model, batch: 1, steps: 2, memoryLimit: 2 ** 22 });
  trainer.step(batch);
  trainer.predict(sample);
}
export const useLayers = (layers) => use({ layers }, VALUES(), [1, 2]);
export const useTokens = (...layers) => {
  const parts = { input: R.tokens({ vocabulary: 4, context: 2 }), layers };
  const inputs = Int32Array.of(0, 1);
  use(parts, { inputs, targets: [1, 2, 3, 4].slice(0, 2) }, inputs);
};
export const embed = () => R.embedding({ vocabulary: 4, channels: 2 });
export const head = () => [R.meanPool(), R.layerNorm(), R.linear(2, { name: 'head' })];
export const useRule = (rule) =>
  useTokens(embed(), R.reversible({ depth: 2, rule, block: [BLOCK(), SECOND] }), ...head());
export const BLOCK = () => R.sublayer(R.layerNorm(), R.linear(2));
/** The other half of a block, for coupling. */
const SECOND = R.named('second', BLOCK());
export const useChoice = (choice) => {
  const options = { model: own({}), batch: 1, steps: 2, memoryLimit: 2 ** 22, ...choice };
  R.Trainer.create(options).step(VALUES());
};

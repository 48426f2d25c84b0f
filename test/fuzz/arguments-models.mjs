// Calls of trainers, models and what they are made of.

import {
  BLOCK,
  checkpoint,
  closed,
  embed,
  FULL,
  file,
  GPT,
  gpt,
  head,
  initial,
  numbers,
  PAIR,
  PARTS,
  PICTURE,
  R,
  runOf,
  TOKENS,
  TRANSLATOR,
  translator,
  use,
  useChoice,
  useLayers,
  useRule,
  useTokens,
  VALUES,
  VIT,
  vit,
  WINDOW,
  whole,
} from './arguments-good.mjs';

const formats = () => ({ residual: 2, magnified: 2, logits: 2, outliers: [] });
const VIT_FORMATS = { headBias: true, formats: formats() };
const importedWeights = () => {
  const model = R.importedGpt({ ...GPT, formats: formats() });
  return R.Trainer.create(runOf(model)).tensors();
};

const withBias = (options) =>
  R.defineModel('with a bias', () => ({
    input: R.features({ count: 2 }),
    layers: [R.linear(2), R.bias(options)],
    loss: R.crossEntropy(),
  }))({});

/** [name, function, good arguments]. */
export const MODEL_CALLS = [
  ...[
    ['gpt', R.gpt, GPT],
    ['vit', R.vit, VIT],
    ['translator', R.translator, TRANSLATOR],
  ].flatMap(([name, define, config]) => [
    [name, define, () => [{ ...config, ...FULL, rule: whole(R.bdia()) }]],
    [`${name}, planned`, (given) => R.plan(runOf(define(given))), () => [{ ...config }]],
  ]),
  ['importedGpt', R.importedGpt, () => [{ ...GPT, formats: formats() }]],
  ['withoutFormats', R.withoutFormats, () => [{ ...GPT, formats: formats() }, importedWeights()]],
  ['importedVit', R.importedVit, () => [{ ...VIT, ...VIT_FORMATS }]],
  ['checkTrainOptions', R.checkTrainOptions, () => [runOf(R.gpt(GPT))]],
  ['plan', R.plan, () => [runOf(R.gpt(GPT))]],
  [
    'Trainer.create',
    (...args) => R.Trainer.create(...args).predict(TOKENS()),
    () => [runOf(R.gpt(GPT))],
  ],
  ['decodeCheckpoint', R.decodeCheckpoint, () => [new Uint8Array(file)]],
  [
    'decodeCheckpoint, models',
    R.decodeCheckpoint,
    () => [new Uint8Array(file), { models: [R.gpt], choices: { ...R.builtinChoices() } }],
  ],
  ['encodeCheckpoint', R.encodeCheckpoint, () => [checkpoint()]],
  ...[
    ['gpt', gpt, WINDOW],
    ['closed gpt', closed, WINDOW],
    ['vit', vit, PICTURE],
    ['translator', translator, PAIR],
    ['numbers', numbers, VALUES],
  ].flatMap(([name, trainer, batch]) => [
    [`${name}.step`, (...args) => trainer.step(...args), () => [batch()]],
    [`${name}.computeGradients`, (...args) => trainer.computeGradients(...args), () => [batch()]],
    [
      `${name}.evaluate`,
      (...args) => trainer.evaluate(...args),
      () => [batch(), { samples: 1, gamma: 0, onSample: () => 1 }],
    ],
    [`${name}.evaluate, counted`, (...args) => trainer.evaluate(...args), () => [batch()]],
  ]),
  ['gpt.predict', (...args) => gpt.predict(...args), () => [TOKENS()]],
  ['vit.predict', (...args) => vit.predict(...args), () => [new Uint8Array(16)]],
  ['numbers.predict', (...args) => numbers.predict(...args), () => [[1, -1]]],
  [
    'translator.predict',
    (...args) => translator.predict(...args),
    () => [Int32Array.of(4, 2), Int32Array.of(1, 4)],
  ],
  [
    'translator.predictor',
    (source, prefix) => translator.predictor(source)(prefix),
    () => [Int32Array.of(4, 2), Int32Array.of(1, 4)],
  ],
  ['gpt.gradient', (...args) => gpt.gradient(...args), () => ['norm.gain']],
  ['gpt.tensors', (...args) => gpt.tensors(...args), () => []],
  [
    'gpt.restore',
    (...args) => gpt.restore(...args),
    () => [initial.map((tensor) => ({ ...tensor })), 3],
  ],
  ['gpt.weightsSha256', (...args) => gpt.weightsSha256(...args), () => []],
  ['closed.ready', (...args) => closed.ready(...args), () => []],
  ['closed.close', (...args) => closed.close(...args), () => []],
  ...['kernels', 'parameters', 'steps', 'threads', 'threadsNote'].map((key) => [
    `gpt.${key}`,
    (...args) => Reflect.get(R.Trainer.prototype, key, gpt, ...args),
    () => [],
  ]),

  // models of one's own, and what they are made of
  [
    'defineModel',
    (name, parts) => R.plan(runOf(R.defineModel(name, () => parts)({}), { keep: undefined })),
    () => ['mine', PARTS()],
  ],
  [
    'defineModel, streams',
    (streams, loss) =>
      R.plan(runOf(R.defineModel('mine', () => ({ streams, loss }))({}), { keep: undefined })),
    () => [[{ input: PARTS().input, layers: PARTS().layers }], PARTS().loss],
  ],
  ['defineModel, build', (...args) => R.defineModel(...args)({}), () => ['mine', PARTS]],
  [
    'tokens',
    (options) =>
      use(
        { input: R.tokens(options), layers: [embed(), ...head()] },
        {
          inputs: Int32Array.of(0, 1),
          targets: [1, 2],
        },
        Int32Array.of(1),
      ),
    () => [{ vocabulary: 4, context: 2, name: 'inputs', tokens: ({ inputs }) => inputs }],
  ],
  [
    'patches',
    (options) =>
      use(
        { input: R.patches(options), layers: [R.linear(2)] },
        {
          images: new Uint8Array(4),
          targets: [1, 2],
        },
        new Uint8Array(4),
      ),
    () => [{ width: 2, height: 2, colours: 1, patch: 2, images: ({ images }) => images }],
  ],
  [
    'features',
    (options) => use({ input: R.features(options) }, VALUES(), [1, 2]),
    () => [{ count: 2, values: ({ values }) => values }],
  ],
  [
    'linear',
    (...args) => useLayers([R.linear(...args)]),
    () => [2, { name: 'linear', bias: true, deviation: 0.02 }],
  ],
  [
    'bias',
    (options) => R.plan(runOf(withBias(options), { keep: undefined })),
    () => [{ name: 'b' }],
  ],
  [
    'linear, shared',
    (...args) => useLayers([R.linear(2), R.relu(), R.linear(...args)]),
    () => [2, { shares: 'linear.weight' }],
  ],
  [
    'layerNorm',
    (...args) => useLayers([R.linear(2), R.layerNorm(...args), R.linear(2, { name: 'b' })]),
    () => [{ name: 'norm', bias: true }],
  ],
  [
    'attention',
    (...args) => {
      const first = [embed(), R.layerNorm({ name: 'first' })];
      useTokens(...first, R.attention(...args), R.classToken(), ...head());
    },
    () => [{ heads: 1, causal: true, bias: false, deviation: 0.02 }],
  ],
  [
    'crossAttention',
    (options) => {
      const cross = R.sublayer(R.layerNorm(), R.crossAttention(options));
      const ids = { vocabulary: 4, context: 2 };
      const stack = (block, name) => R.reversible({ depth: 1, rule: R.plain(), block, name });
      const from = [embed(), stack([BLOCK()], 'a'), R.layerNorm({ name: 'memory' })];
      const to = R.embedding({ vocabulary: 4, channels: 2, name: 'to', positions: 'at' });
      const streams = [
        { input: R.tokens(ids), layers: from },
        { input: R.tokens(ids), layers: [to, stack([cross], 'b'), ...head()] },
      ];
      const model = R.defineModel('cross', () => ({ streams, loss: R.meanSquaredError() }))({});
      R.plan(runOf(model, { keep: undefined }));
    },
    () => [{ heads: 1, bias: false, deviation: 0.02 }],
  ],
  [
    'embedding',
    (...args) => useTokens(R.embedding(...args), ...head()),
    () => [{ vocabulary: 4, channels: 2, name: 'token', positions: 'position', deviation: 0.02 }],
  ],
  ...['classToken', 'positions'].map((name) => [
    name,
    (...args) =>
      useLayers([
        R.linear(2),
        ...(name === 'positions' ? [R.classToken({ name: 'first' })] : []),
        R[name](...args),
        ...head(),
      ]),
    () => [{ name: 'c', deviation: 0.5 }],
  ]),
  [
    'gelu',
    (...args) => useLayers([R.linear(2), R.gelu(...args), R.linear(2, { name: 'b' })]),
    () => [],
  ],
  [
    'conv2d',
    (...args) => useLayers([R.linear(2), R.conv2d(...args)]),
    () => [2, { kernel: 1, stride: 1, padding: 0, groups: 1, width: 1, name: 'c', bias: true }],
  ],
  ...['maxPool2d', 'avgPool2d'].map((name) => [
    name,
    (...args) => useLayers([R.linear(2), R[name](...args), R.linear(2, { name: 'b' })]),
    () => [{ kernel: 1, stride: 1, width: 1 }],
  ]),
  [
    'relu',
    (...args) => useLayers([R.linear(2), R.relu(...args), R.linear(2, { name: 'b' })]),
    () => [],
  ],
  ['meanPool', (...args) => useTokens(embed(), R.meanPool(...args), ...head().slice(1)), () => []],
  ['row', (...args) => useTokens(embed(), R.row(...args), ...head().slice(1)), () => [1]],
  [
    'sequential',
    (...args) => useLayers([R.sequential(...args)]),
    () => [whole(R.linear(2)), whole(R.relu()), whole(R.linear(2, { name: 'b' }))],
  ],
  [
    'sublayer',
    (...args) =>
      useTokens(
        embed(),
        R.reversible({ depth: 1, rule: R.bdia(), block: [R.sublayer(...args)] }),
        ...head(),
      ),
    () => [whole(R.layerNorm()), whole(R.linear(2))],
  ],
  [
    'named',
    (...args) =>
      useTokens(
        embed(),
        R.reversible({ depth: 1, rule: R.bdia(), block: [R.named(...args)] }),
        ...head(),
      ),
    () => ['mlp', { name: '', layers: [whole(R.layerNorm()), whole(R.linear(2))] }],
  ],
  [
    'reversible',
    (...args) => useTokens(embed(), R.reversible(...args), ...head()),
    () => [{ depth: 2, rule: whole(R.plain()), block: [BLOCK()].map(whole), name: 'stack' }],
  ],
  [
    'transformerBlock',
    (...args) =>
      useTokens(
        embed(),
        R.reversible({ depth: 1, rule: R.bdia(), block: R.transformerBlock(...args) }),
        ...head(),
      ),
    () => [
      { channels: 2, heads: 1, mlpRatio: 1, bias: false },
      { causal: true, branches: 2, activation: whole(R.gelu()) },
    ],
  ],
  ...[
    ['bdia', () => [{ gammaShift: 2 }]],
    ['plain', () => []],
    ['leapfrog', () => []],
    ['coupling', () => []],
    ['momentum', () => [{ beta: 0.5, isRandom: true }]],
  ].map(([name, args]) => [name, (...given) => useRule(R[name](...given)), args]),
  [
    'crossEntropy',
    (...args) =>
      use({ loss: R.crossEntropy(...args) }, { values: [1, 2], targets: Int32Array.of(1) }, [1, 2]),
    () => [{ targets: (batch) => batch.targets, name: 'targets', ignores: true, counts: true }],
  ],
  [
    'meanSquaredError',
    (...args) => use({ loss: R.meanSquaredError(...args) }, VALUES(), [1, 2]),
    () => [{ targets: (batch) => batch.targets, name: 'targets' }],
  ],
  ...[
    ['adamw', () => [{ weightDecay: 0.1 }]],
    ['sgd', () => [{ momentumShift: 3, weightDecay: 0.1 }]],
    ['lion', () => [{ weightDecay: 0.1 }]],
  ].map(([name, args]) => [name, (...given) => useChoice({ optimizer: R[name](...given) }), args]),
  [
    'localSteps',
    (options) => useChoice({ optimizer: R.localSteps(options) }),
    () => [{ optimizer: R.sgd(), shards: 2, steps: 2 }],
  ],
  [
    'roundsOf',
    R.roundsOf,
    () => [{ optimizer: R.localSteps({ shards: 2, steps: 2 }), batch: 4, steps: 4 }],
  ],
  ...['cosine', 'constant'].map((name) => [
    name,
    (...given) => useChoice({ learningRate: R[name](...given) }),
    () => [0.1, { warmup: 1 }],
  ]),
  [
    'lora',
    (options) => R.plan({ ...runOf(R.gpt({ ...GPT, adapter: R.lora(options) })) }).total,
    () => [{ rank: 2, on: ['qkv', 'down'], seed: 3 }],
  ],
  [
    'int8',
    (options) => R.plan({ ...runOf(R.gpt({ ...GPT, operands: R.int8(options) })) }).total,
    () => [{ on: ['qkv', 'down'], build: 'baseline' }],
  ],
  ['int16', R.int16, () => []],
  ['chooseInt8', R.chooseInt8, () => []],
  [
    'joined',
    (options) => useChoice({ learningRate: R.joined(options) }),
    () => [{ first: R.cosine(0.1), steps: 3, after: R.constant(0.1) }],
  ],
  ['builtinModels', R.builtinModels, () => []],
  ['builtinChoices', R.builtinChoices, () => []],
];

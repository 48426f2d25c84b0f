// Calls of what reads and makes data, checkpoints and retrograd/verify.

import {
  backend,
  data,
  fresh,
  GPT,
  gpt,
  IMAGE,
  order,
  PAIRS,
  pairs,
  R,
  report,
  SET,
  TEXT,
  TEXT_TOKENS,
  TOKENS,
  tensors,
  V,
  vocabulary,
  whole,
  X,
} from './arguments-good.mjs';

/** What a trainer exports, its properties plain values. */
const exported = () => {
  const { name, config } = gpt.options.model;
  return { options: { model: { name, config: { ...config } } }, tensors: tensors() };
};

const adapter = R.lora({ rank: 2, on: ['qkv'] });
const adapted = R.Trainer.create({ model: R.gpt({ ...GPT, adapter }), batch: 1, steps: 1 });

/** The same of a run with an adapter. */
const plainly = () => {
  const { name, config } = adapted.options.model;
  return { options: { model: { name, config: { ...config } } }, tensors: adapted.tensors() };
};

/** [name, function, good arguments]. */
export const DATA_CALLS = [
  // checkpoints and data
  ['isWeight', R.isWeight, () => [{ name: 'norm.gain' }]],
  ['exportFloat32', R.exportFloat32, () => [tensors(), '0.1.0']],
  ['loadWeights', R.loadWeights, () => [gpt, tensors(), { fresh: ['norm.*'] }]],
  [
    'safetensorsHeader',
    R.safetensorsHeader,
    () => [[{ name: 'a', dtype: 'F32', shape: [2, 3] }], { by: 'hand' }],
  ],
  [
    'exportGguf',
    (...given) => X.exportGguf(...given).bytes(),
    () => [exported(), { vocabulary: { kind: 'characters', symbols: 'abcd' }, name: 'a', end: 1 }],
  ],
  [
    'exportOnnx',
    (...given) => X.exportOnnx(...given)['onnx/model.onnx'].bytes(),
    () => [exported(), { vocabulary: { kind: 'characters', symbols: 'abcd' }, cache: true }],
  ],
  ['exportNanoGpt', (given) => X.exportNanoGpt(given).bytes(), () => [exported()]],
  ['exportLlmC', (given) => X.exportLlmC(given).bytes(), () => [exported()]],
  ['exportSafetensors', X.exportSafetensors, () => [exported(), { libraryVersion: '1' }]],
  [
    'exportHf',
    (...given) => X.exportHf(...given)['model.safetensors'].bytes(),
    () => [exported(), { vocabulary: { kind: 'characters', symbols: 'abcd' }, name: 'letters' }],
  ],
  ['loraOf', R.loraOf, () => ['block.0.qkv.lora.weight']],
  ['exportAdapter', R.exportAdapter, () => [plainly(), '0.1.0']],
  ['loadAdapter', R.loadAdapter, () => [adapted, R.exportAdapter(adapted, '0.1.0')]],
  ['mergeAdapter', R.mergeAdapter, () => [plainly()]],
  ['readAdapter', R.readAdapter, () => [plainly()]],
  [
    'exportPeft',
    (...given) => X.exportPeft(...given)['adapter_model.safetensors'].bytes(),
    () => [plainly(), { base: 'gpt2' }],
  ],
  ['matching', R.matching, () => [['block.*', '!*.gain']]],
  ['sha256Hex', R.sha256Hex, () => [new Uint8Array(9)]],
  ['createWasmBackend', R.createWasmBackend, () => [{ pages: 2, build: 'release', shared: false }]],
  [
    'fillBatch',
    R.fillBatch,
    () => [TEXT_TOKENS, { seed: 1, batch: 1, context: 4, step: 3 }, TOKENS(), TOKENS()],
  ],
  ['textWindows', R.textWindows, () => [new Int32Array(20), 3]],
  ['chooseToken', R.chooseToken, () => [[0.5, -Infinity, 2], 1, 1, 0]],
  ['splitTokens', R.splitTokens, () => [new Int32Array(20)]],
  ['checkLength', R.checkLength, () => [new Int32Array(20), 3, 'tokens']],
  ['readText', R.readText, () => [TEXT, { context: 4, vocabulary: 'characters', what: 'text' }]],
  [
    'readText with a vocabulary',
    R.readText,
    () => [TEXT, { context: 4, vocabulary, what: 'text' }],
  ],
  ['Vocabulary.bytes', R.Vocabulary.bytes, () => []],
  ['Vocabulary.ofText', R.Vocabulary.ofText, () => [TEXT, 'characters', 'text']],
  [
    'Vocabulary.fromJson',
    (value) => R.Vocabulary.fromJson(value)?.decode([0]),
    () => [{ kind: 'characters', symbols: 'abn' }],
  ],
  ['vocabulary.toJson', (...args) => vocabulary.toJson(...args), () => []],
  ['vocabulary.encode', (...args) => vocabulary.encode(...args), () => [TEXT, 'text']],
  ['vocabulary.decode', (...args) => vocabulary.decode(...args), () => [[0, 1, 2]]],
  ['bytes.decode', (...args) => R.Vocabulary.bytes().decode(...args), () => [[0, 1, 200]]],
  ['countPatches', R.countPatches, () => [{ width: 4, height: 4 }, 2]],
  [
    'patchesOf',
    R.patchesOf,
    () => [new Uint8Array(16), { width: 4, height: 4, channels: 1 }, 2, new Int16Array(16)],
  ],
  ['checkImages', R.checkImages, () => [SET(), 'set', { names: ['a', 'b'], everyClass: true }]],
  ['fromImages', R.fromImages, () => [[IMAGE(), IMAGE()], 2, 'set', 3]],
  [
    'readIdx',
    R.readIdx,
    () => [
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9),
      Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7),
      ['i', 'l'],
      10,
    ],
  ],
  ['readCifar', R.readCifar, () => [new Uint8Array(3073), 10, 'cifar']],
  [
    'readDigits',
    R.readDigits,
    () => [new TextEncoder().encode([...Array(64).fill(0), 3].join()), 'digits'],
  ],
  ['EpochOrder', (...args) => new R.EpochOrder(...args).at(1), () => [1, 5]],
  ['order.at', (...args) => order.at(...args), () => [3]],
  [
    'augment',
    R.augment,
    () => [
      SET(),
      0,
      new Uint8Array(3),
      { crop: 0, flip: true, fill: 0 },
      { seed: 1, step: 0, sample: 0 },
    ],
  ],
  ['normaliseSentence', R.normaliseSentence, () => ['  Va\u00a0!']],
  [
    'readPairs',
    R.readPairs,
    () => [new TextEncoder().encode('Go.\tVa !\nRun!\tCours !\n'), 'pairs'],
  ],
  [
    'readPairFiles',
    R.readPairFiles,
    () => [new TextEncoder().encode('a\nb'), new TextEncoder().encode('c\nd'), 's', 't'],
  ],
  ['splitPairs', R.splitPairs, () => [[...PAIRS, ...PAIRS], 2]],
  ['BytePairs.learn', R.BytePairs.learn, () => [['aaaa', 'aaab'], 8]],
  [
    'BytePairs.fromJson',
    (value) => R.BytePairs.fromJson(value)?.encode('ab'),
    () => [{ kind: 'byte-pairs', symbols: ' ab', merges: [5, 5] }],
  ],
  ['pairs.encode', (...args) => pairs.encode(...args), () => ['go']],
  ['pairs.decode', (...args) => pairs.decode(...args), () => [[4, 5, 6]]],
  ['pairs.toJson', (...args) => pairs.toJson(...args), () => []],
  ['joinImages', R.joinImages, () => [[SET(), SET()], 'sets']],
  [
    'PairData.encode',
    R.PairData.encode,
    () => [PAIRS.map((pair) => ({ ...pair })), { source: pairs, target: pairs, context: 8 }],
  ],
  ['data.copy', (...args) => data.copy(...args), () => [0, 1, R.createPairBatch(2, 8)]],
  ['data.pairAt', (...args) => fresh().pairAt(...args), () => [1, 3]],
  ['createPairBatch', R.createPairBatch, () => [2, 8]],
  [
    'fillPairBatch',
    R.fillPairBatch,
    () => [fresh(), { seed: 1, batch: 2, step: 0 }, R.createPairBatch(2, 8)],
  ],
  [
    'beamSearch',
    R.beamSearch,
    () => [() => [0, 1, 2], { beam: 2, begin: 0, end: 1, maxLength: 3, lengthPenalty: 1 }],
  ],
  [
    'beamSearch, logits',
    (logits) => R.beamSearch(() => logits, { beam: 2, begin: 0, end: 1, maxLength: 3 }),
    () => [[0, 1, 2]],
  ],
  ['corpusBleu', R.corpusBleu, () => [['The cat sat.'], ['The cat sat.']]],

  // retrograd/verify
  ['verify', (onRow, kernels = backend) => V.verify(onRow, kernels), () => [() => 1, backend]],
  [
    'runCase',
    V.runCase,
    () => [backend, 'max_bits_i64', { stream: 1, args: [{ type: 'int64', length: 5 }, 5] }],
  ],
  ['describeRuntime', V.describeRuntime, () => []],
  [
    'formatReport',
    V.formatReport,
    () => [{ ...report, rows: report.rows.slice(0, 2) }, 'a runtime'],
  ],
  ['summaryLine', V.summaryLine, () => [{ ...report, rows: [] }, 'a runtime']],
  [
    'checkLayer',
    V.checkLayer,
    () => [
      whole(R.linear(2)),
      {
        input: { kind: 'operand', rows: 3, columns: 4 },
        wanted: 'branch',
        seed: 1,
        slope: (f) => f(1) - f(0),
      },
    ],
  ],
  ['checkRule', V.checkRule, () => [whole(R.bdia()), { depth: 2, seed: 1 }]],
];

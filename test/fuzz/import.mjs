// npm run fuzz:import: files of weights of other programs that began as valid ones, and
// configurations. What is accepted is read to its end.
//
//   node test/fuzz/import.mjs --cases 100000 --seed 1 [--only header] [--case 123]

import { load } from './load.mjs';
import { mutate, mutateJson, mutateText } from './mutate.mjs';
import { fuzz, fuzzOptions } from './runner.mjs';

const R = await load(`
export { RetrogradError } from './src/core/errors.ts';
export { openSafetensors } from './src/import/safetensors.ts';
export { openSharded } from './src/import/sharded.ts';
export { openLlmC } from './src/import/llm-c.ts';
export { importGpt2 } from './src/import/import-gpt2.ts';
export { importVit } from './src/import/import-vit.ts';
export * from './test/helpers/foreign-files.ts';
export { NONE } from './test/helpers/synthetic-gpt2.ts';
export { syntheticVit } from './test/helpers/synthetic-vit.ts';
`);
const SHAPE = { vocab_size: 5, n_positions: 4, n_layer: 1, n_head: 2, n_embd: 8 };
const NANO = R.nanoTensors(SHAPE);
const FILES = [
  R.safetensorsFile(R.hfTensors(NANO), { metadata: { format: 'pt' } }),
  R.safetensorsFile(NANO, { dtype: 'BF16', spacing: 1 }),
  R.safetensorsFile(NANO, { dtype: 'F16', isReversed: true }),
];
const IMAGE = { width: 4, height: 2, patch: 2, colours: 3 };
const VIT = R.syntheticVit({ ...IMAGE, channels: 4, layers: 1, heads: 2, classes: 3 }, R.NONE);
const VIT_FILE = R.safetensorsFile(VIT.tensors);
const PICTURE = Uint8Array.from({ length: 24 }, (_, i) => (i * 37) % 256);
const LLM_C = R.llmCFile(SHAPE, NANO, 128);

async function readAll(source) {
  for (const { name } of source.tensors)
    for await (const { values } of source.pieces(name))
      if (values.some((value) => !Number.isFinite(value))) throw new Error('it is not finite');
}

/** A header, changed, with the length that it has then. */
function changeHeader(file, random) {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(file.subarray(8, 8 + length));
  const changed = random.oneIn(2)
    ? mutateText(text, random)
    : JSON.stringify(mutateJson(JSON.parse(text), random));
  return R.withHeader(changed, file.subarray(8 + length));
}

const importAll = async (source, config) => {
  const { tensors } = await R.importGpt2(source, config);
  for (const { data, shape } of await tensors())
    if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new Error('of another length');
};
/** Imports a vision transformer, now and then calibrated. */
const importVit = async (source, config, preprocessor, random) => {
  const calibrate = random.oneIn(4) ? PICTURE : undefined;
  const { tensors, report } = await R.importVit(source, config, { preprocessor, calibrate });
  for (const { data, shape } of await tensors())
    if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new Error('of another length');
  if (report !== undefined && Object.values(report.largest).some((most) => Number.isNaN(most)))
    throw new Error('a measure is no number');
};
const open = (file) => R.openSafetensors(R.sourceOf(file));

/** Targets: a name and what a case does. */
const targets = [
  ['file, damaged', async (random) => readAll(await open(mutate(random.pick(FILES), random)))],
  [
    'header, forged',
    async (random) => readAll(await open(changeHeader(random.pick(FILES), random))),
  ],
  [
    'header and weights, imported',
    async (random) => importAll(await open(changeHeader(random.pick(FILES), random)), SHAPE),
  ],
  [
    'configuration',
    async (random) => importAll(await open(random.pick(FILES)), mutateJson(SHAPE, random)),
  ],
  [
    'index',
    async (random) => {
      const names = NANO.map(({ name }) => [name, 'model.safetensors']);
      const index = mutateJson({ metadata: {}, weight_map: Object.fromEntries(names) }, random);
      const given = random.oneIn(2) ? index : mutateText(JSON.stringify(index), random);
      await readAll(await R.openSharded(given, () => R.sourceOf(FILES[1])));
    },
  ],
  [
    'llm.c',
    async (random) => {
      const { source, config } = await R.openLlmC(R.sourceOf(mutate(LLM_C, random)));
      await importAll(source, config);
    },
  ],
  [
    'vision transformer, header forged',
    async (random) =>
      importVit(await open(changeHeader(VIT_FILE, random)), VIT.config, VIT.processor, random),
  ],
  [
    'vision transformer, damaged',
    async (random) =>
      importVit(await open(mutate(VIT_FILE, random)), VIT.config, VIT.processor, random),
  ],
  [
    'vision transformer, configuration',
    async (random) =>
      importVit(await open(VIT_FILE), mutateJson(VIT.config, random), VIT.processor, random),
  ],
  [
    'vision transformer, preprocessor',
    async (random) =>
      importVit(await open(VIT_FILE), VIT.config, mutateJson(VIT.processor, random), random),
  ],
].map(([name, run]) => ({ name, run }));

const SETTINGS = {
  isRefusal: (error) => error instanceof R.RetrogradError,
  limits: { slow: 2000, heavy: 2 ** 28 },
};
await fuzz('import', targets, fuzzOptions(100_000), SETTINGS);

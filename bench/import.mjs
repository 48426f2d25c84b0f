// node --max-old-space-size=12000 bench/import.mjs [--channels 768 --layers 12 --vocabulary 50257
// --context 64 --texts 16 --write]: a synthetic GPT-2 small with the outliers of trained ones
// (test/helpers/synthetic-gpt2.ts), imported by the built package (calibrated on 512 tokens, as the
// command does) and judged by float64, token by token, on other sequences; --write keeps the
// figures.
import { parseArgs } from 'node:util';
import { Generator } from '../dist/generate.js';
import { importGpt2, openSafetensors } from '../dist/import.js';
import { Trainer } from '../dist/index.js';
import { load } from '../test/fuzz/load.mjs';
import { resultFile, stamp, writeResult } from './stamp.mjs';

const H = await load(`
export * from './test/helpers/foreign-files.ts';
export * from './test/helpers/synthetic-gpt2.ts';
`);
const number = (fallback) => ({ type: 'string', default: String(fallback) });
const { values } = parseArgs({
  options: {
    channels: number(768),
    layers: number(12),
    vocabulary: number(50257),
    context: number(64),
    texts: number(16),
    write: { type: 'boolean', default: false },
  },
});
const [channels, layers, vocabulary, context] = ['channels', 'layers', 'vocabulary', 'context'].map(
  (name) => Number(values[name]),
);
const shape = {
  vocab_size: vocabulary,
  n_positions: context,
  n_layer: layers,
  n_head: channels / 64,
  n_embd: channels,
};

const seconds = async (work) => {
  const begun = performance.now();
  const result = await work();
  return [result, Math.round((performance.now() - begun) / 100) / 10];
};
const say = (...words) => console.log(...words);
const rounded = (value) => Number(value.toPrecision(4));

/** A mean of differences in nats as how far perplexity is off and its standard error, in percent.
 */
const off = ({ mean, error }) => [rounded(100 * Math.expm1(mean)), rounded(100 * error)];

/** Imports a model and judges it. */
async function judged(of, source) {
  const { calibrate } = of;
  const [imported, calibrating] = await seconds(() => importGpt2(source, shape, { calibrate }));
  const options = { ...imported.options, batch: 2, microBatch: 1, steps: 10 };
  const trainer = Trainer.create({ ...options, learningRate: 0.00001 });
  const [, loading] = await seconds(() => imported.load(trainer));
  const generator = Generator.create(trainer);
  const [found, judging] = await seconds(() => H.judge(trainer, generator, of));
  const { saturated } = trainer.totals;
  const [report, step] = await seconds(() => trainer.step(of.batch));
  const figures = {
    parameters: trainer.parameters,
    calibratedOn: calibrate.length * context,
    saturated,
    tokens: found.tokens,
    perplexityOff: off(found.loss),
    perplexityOffOfHalves: found.halves.map(off),
    perplexityOffOfOwnText: off(found.divergence),
    seconds: { calibrating, loading, judging, step },
    bytes: trainer.peakBytes,
    saturatedInStep: report.saturated,
  };
  return { figures, report: imported.report, formats: imported.options.model.config.formats };
}

const [of, making] = await seconds(() =>
  H.synthetic(shape, H.PLANTED, 1, {
    calibrate: Math.ceil(512 / context),
    texts: Number(values.texts),
  }),
);
say(`made, and computed in float64: ${making} s`);
const source = await openSafetensors(H.sourceOf(H.safetensorsFile(of.tensors)));
const { figures, report, formats } = await judged(of, source);
say(JSON.stringify(figures));
const without = await importGpt2(source, shape)
  .then(({ tensors }) => tensors())
  .then(
    () => 'held',
    (error) => error.message,
  );
say(without);
const result = {
  ...stamp(),
  shape,
  ...figures,
  residual: formats.residual,
  norms: formats.norms,
  outliers: report.outliers,
  largest: Object.fromEntries(
    Object.entries(report.largest).map(([name, value]) => [name, rounded(value)]),
  ),
  saturatedPlaces: Object.values(report.saturated).filter((count) => count > 0).length,
  withoutCalibrating: without,
};
if (values.write) writeResult(resultFile('import'), result);

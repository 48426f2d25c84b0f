// node bench/import.mjs [--channels 768 --layers 12 --vocabulary 50257 --context 64 --write]: a
// synthetic GPT-2 small with the outliers of trained ones (test/helpers/synthetic-gpt2.ts),
// imported by the built package (calibrated on 512 tokens, as the command does) and judged by
// float64 on two other sequences; --write keeps the figures.
import { parseArgs } from 'node:util';
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

/** Imports a model, with or without calibrating, and judges it. */
async function judged(of, source, calibrate) {
  const [imported, calibrating] = await seconds(() => importGpt2(source, shape, { calibrate }));
  const options = { ...imported.options, batch: 2, microBatch: 1, steps: 10 };
  const trainer = Trainer.create({ ...options, learningRate: 0.00001 });
  const [, loading] = await seconds(() => imported.load(trainer));
  const [{ perplexity, divergence }, judging] = await seconds(() => H.judge(trainer, of));
  const { saturated } = trainer.totals;
  const [report, step] = await seconds(() => trainer.step(of.batch));
  return {
    parameters: trainer.parameters,
    saturated,
    perplexityOff: `${rounded(100 * (perplexity - 1))} %`,
    divergence: rounded(divergence),
    seconds: { calibrating, loading, judging, step },
    bytes: trainer.peakBytes,
    saturatedInStep: report.saturated,
    report: imported.report,
    formats: imported.options.model.config.formats,
  };
}

const [of, making] = await seconds(() =>
  H.synthetic(shape, H.PLANTED, 1, Math.ceil(512 / context)),
);
say(`made, and computed in float64: ${making} s`);
const source = await openSafetensors(H.sourceOf(H.safetensorsFile(of.tensors)));
const calibrated = await judged(of, source, of.calibrate);
say(JSON.stringify({ ...calibrated, report: undefined, formats: undefined }));
const { report, formats, ...figures } = calibrated;
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
  outliers: report.outliers,
  largest: Object.fromEntries(
    Object.entries(report.largest).map(([name, value]) => [name, rounded(value)]),
  ),
  saturatedPlaces: Object.values(report.saturated).filter((count) => count > 0).length,
  withoutCalibrating: without,
};
if (values.write) writeResult(resultFile('import'), result);

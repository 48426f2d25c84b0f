// A program that names what every entry of the package has for its users; it must compile.

/** What every entry's user can name. */
export const CONSUMER =
  `import { Trainer, UsageError, gpt, momentum, plan, translator, vit } from 'retrograd';
import type { ImageBatch, ImageSet, StepReport, TextBatch, TrainOptions } from 'retrograd';
import type { TranslatorBatch, VitConfig } from 'retrograd';
import { BytePairs, beamSearch, decodeCheckpoint, readIdx } from 'retrograd';
import { createWasmBackend } from 'retrograd/worker';
import { serve } from 'retrograd/thread';
import { Tokenizer, type TokenizerJson } from 'retrograd/tokenizer';
import { type VerifyReport, checkLayer, formatReport, verify } from 'retrograd/verify';
const model = gpt({ vocabulary: 8, layers: 1, channels: 8, heads: 1, context: 8 });
const options: TrainOptions<TextBatch> = { model, batch: 1, steps: 1 };
const step = (trainer: Trainer<TextBatch>): StepReport =>
  trainer.step({ inputs: new Int32Array(8), targets: new Int32Array(8) });
export const report: VerifyReport = verify(({ name, equal }) => void ` +
  '`${name} ${equal}`' +
  `);
export const text: string = formatReport(report), error = new UsageError('given', 'hint');
const sizes = { width: 28, height: 28, colours: 1, classes: 10 };
const config: VitConfig = { ...sizes, patch: 7, layers: 2, channels: 64, heads: 4 };
const set = (images: Uint8Array, labels: Uint8Array): ImageSet =>
  readIdx(images, labels, ['images', 'labels']);
export const images = (trainer: Trainer<ImageBatch>, { pixels, labels }: ImageSet): StepReport =>
  trainer.step({ images: pixels, labels });
export function words(trainer: Trainer<TranslatorBatch>, pairs: BytePairs, text: string): string {
  const next = trainer.predictor(pairs.encode(text));
  return pairs.decode(beamSearch(next, { beam: 1, begin: 1, end: 2, maxLength: 9 }).tokens);
}
export const kind = async (file: Uint8Array): Promise<string> =>
  (await decodeCheckpoint(file)).options.model.name;
export const rule: Trainer<TextBatch> = Trainer.create({
  ...options,
  model: gpt({ ...model.config, rule: momentum() }),
});
const bytes: number = plan({ model: vit(config), batch: 8, steps: 100 }).bytes.sideBits;
const hash = createWasmBackend({ pages: 1 }).kernels.hash_i32(0, 0);
const tokenizer: Tokenizer = Tokenizer.train('a text', { size: 256 });
export const file: TokenizerJson = tokenizer.toJson();
export const all = [set, options, step, serve, checkLayer, translator, bytes, hash];
// @ts-expect-error: types are checked at all
Trainer.create({ steps: 'many' });
// @ts-expect-error: of every model
vit({ vocabulary: 9 });
`;

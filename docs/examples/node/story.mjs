// From text to text: trains on input.txt, saves, loads and writes.
//   node story.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import {
  chooseToken,
  decodeCheckpoint,
  encodeCheckpoint,
  fillBatch,
  gpt,
  plain,
  readText,
  sha256Hex,
  Trainer,
  Vocabulary,
} from 'retrograd';

const bytes = readFileSync('input.txt');
const context = 32;
const batch = 8;
const steps = 300;
const { vocabulary, train } = readText(bytes, { context });
const shape = { vocabulary: vocabulary.size, layers: 2, channels: 64, heads: 4, context };
const model = gpt({ ...shape, rule: plain() });
const trainer = Trainer.create({ model, batch, steps, learningRate: 0.003 });
const inputs = new Int32Array(batch * context);
const targets = new Int32Array(batch * context);
while (trainer.steps < steps) {
  fillBatch(train, { seed: 1, batch, context, step: trainer.steps }, inputs, targets);
  const { step, loss } = trainer.step({ inputs, targets });
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}`);
}
const about = {
  vocabulary: vocabulary.toJson(),
  dataSha256: await sha256Hex(bytes),
  libraryVersion: '0.1.0',
};
const { options, steps: step } = trainer;
writeFileSync(
  'story.safetensors',
  await encodeCheckpoint({ tensors: trainer.tensors(), options, step, ...about }),
);

const saved = await decodeCheckpoint(readFileSync('story.safetensors')); // elsewhere, later
const writer = Trainer.create(saved.options);
const letters = Vocabulary.fromJson(saved.vocabulary);
writer.restore(saved.tensors, saved.step);
const text = [...letters.encode(new TextEncoder().encode('she '))];
for (let i = 0; i < 80; i++)
  text.push(chooseToken(writer.predict(Int32Array.from(text.slice(-context))), 0.5, 1, i));
console.log(letters.decode(Int32Array.from(text)));

// Models that have learned a text, exported in every form, with the logits and the greedy text that
// the library itself gives: what other programs are held against.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportGguf, exportHf, exportOnnx } from '../../dist/export.js';
import { fillBatch, gpt, readText, splitTokens, Trainer } from '../../dist/index.js';
import { Tokenizer } from '../../dist/tokenizer.js';
import { writeAll } from './write.mjs';

const LINES = [
  'she sells sea shells by the sea shore;',
  'the shells she sells are sea shells, I am sure.',
  'if she sells sea shells on the sea shore,',
  'then I am sure she sells sea shore shells. 1, 2, 3!',
];
const WIDE = ['für den Café – 5 €.', '海の貝殻 😀 of the sea'];
const textOf = (...lines) => new TextEncoder().encode(`${lines.join('\n')}\n`.repeat(30));

/** Name, the text and how it is read, the model. */
const MODELS = [
  { name: 'ascii', text: textOf(...LINES), vocabulary: 'characters', model: {} },
  {
    name: 'unicode',
    text: textOf(...LINES, ...WIDE),
    vocabulary: 'characters',
    model: { bias: true, tied: false },
  },
  { name: 'bpe', text: textOf(...LINES), vocabulary: 'bpe', model: {} },
  { name: 'bytes', text: textOf(...LINES, ...WIDE), vocabulary: 'bytes', model: { bias: true } },
];
const SHAPE = { layers: 3, channels: 64, heads: 4, context: 96 };
const PROMPT = 'she sells sea';
/** Tokens of the greedy text. */
export const LENGTH = 64;

function train({ text, vocabulary: kind, model }) {
  const { context } = SHAPE;
  const vocabulary =
    kind === 'bpe'
      ? Tokenizer.train(text, { size: 290, specialTokens: ['<|endoftext|>'] })
      : readText(text, { context, vocabulary: kind }).vocabulary;
  const tokens = splitTokens(vocabulary.encode(text)).train;
  const config = { ...SHAPE, vocabulary: vocabulary.size, ...model };
  const batch = 8;
  const steps = 150; // by 300 the text is known by heart, and attention as sharp as operands allow
  // the finest states: it is not they that are held against floats
  const options = { batch, steps, learningRate: 0.003, fractionBits: 14 };
  const trainer = Trainer.create({ ...options, model: gpt(config) });
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  while (trainer.steps < steps) {
    fillBatch(tokens, { seed: 1, batch, context, step: trainer.steps }, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return { trainer, vocabulary };
}

const argmax = (logits) => logits.indexOf(Math.max(...logits));

/** What the library says: the greedy text, how clear each choice was, the logits of the prompt. */
function own({ trainer, vocabulary }) {
  const prompt = vocabulary.encode(new TextEncoder().encode(PROMPT));
  const tokens = [...prompt];
  const margins = [];
  for (let i = 0; i < LENGTH; i++) {
    const logits = [...trainer.predict(Int32Array.from(tokens))];
    const [first, second] = [...logits].sort((a, b) => b - a);
    margins.push(first - second);
    tokens.push(argmax(logits));
  }
  const rows = Array.from(tokens, (_, t) => [
    ...trainer.predict(Int32Array.from(tokens.slice(0, t + 1))),
  ]);
  return {
    prompt: PROMPT,
    promptTokens: [...prompt],
    tokens,
    text: vocabulary.decode(tokens),
    textTokens: [...vocabulary.encode(new TextEncoder().encode(vocabulary.decode(tokens)))],
    continuation: vocabulary.decode(tokens.slice(prompt.length)),
    leastMargin: Math.min(...margins),
    logits: rows,
  };
}

/** Trains and exports every model into a folder of its name; what the library says of each. */
export function makeModels(folder) {
  return MODELS.map((one) => {
    const trained = train(one);
    const { trainer, vocabulary } = trained;
    const at = join(folder, one.name);
    writeAll(at, exportHf(trainer, { vocabulary, name: one.name }));
    const options = { vocabulary, name: one.name };
    writeAll(at, { 'model.gguf': exportGguf(trainer, options) });
    writeAll(join(at, 'js'), exportOnnx(trainer, options));
    writeAll(join(at, 'js-plain'), exportOnnx(trainer, { ...options, cache: false }));
    const said = own(trained);
    writeFileSync(join(at, 'expected.json'), JSON.stringify(said));
    return { name: one.name, folder: at, ...said };
  });
}

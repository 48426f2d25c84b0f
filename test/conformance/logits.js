// All logits of 20 prompts, as one digest, of a model that is trained for five steps here: in
// whatever chunks the prompts go through. And what many texts at a time write, one at a time write.

export const SHAPE = { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24 };
const BATCH = 6;
const STEPS = 5;
/** Fraction bits of the model's logits. */
const FRACTION = 23;

let at = 2024;
const next = (below) => {
  at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
  return Math.floor((at / 2 ** 32) * below);
};
export const PROMPTS = Array.from({ length: 20 }, () =>
  Int32Array.from({ length: 1 + next(SHAPE.context) }, () => next(SHAPE.vocabulary)),
);
const tokens = Int32Array.from({ length: BATCH * SHAPE.context + 1 }, () => next(29));
const TEXT = { inputs: tokens.slice(0, -1), targets: tokens.slice(1) };

/** A trainer of the model, five steps on. */
export async function trained({ gpt, Trainer }, threads = 1) {
  const model = gpt({ ...SHAPE, bias: true });
  const options = { model, batch: BATCH, steps: 20, learningRate: 0.01, threads };
  const trainer = Trainer.create(options);
  await trainer.ready();
  while (trainer.steps < STEPS) trainer.step(TEXT);
  trainer.close();
  return trainer;
}

/** SHA-256 of int32 logits, row after row. */
export const digestOf = (sha256Hex, rows) =>
  sha256Hex(new Uint8Array(Int32Array.from(rows.flatMap((row) => Array.from(row))).buffer));

/** Raw logits of all prompts, `chunk` tokens at a time. */
async function logits(generator) {
  const rows = [];
  for (const prompt of PROMPTS) rows.push(...(await generator.logits(prompt)));
  return rows.map((row) => row.map((logit) => logit * 2 ** FRACTION));
}

/** What is written after every prompt, as one line. */
async function texts(generator) {
  const write = async (prompt, seed) => {
    const written = [];
    for await (const piece of generator.generate(prompt, { maxTokens: 8, seed, topK: 20 }))
      written.push(...piece.tokens);
    return written.join(' ');
  };
  return (await Promise.all(PROMPTS.map(write))).join(', ');
}

/** The digest; if it depends on how the prompts are cut or the texts are put together, what comes
 *  of each way. `library`: what has `gpt`, `Trainer` and `sha256Hex`; `entry`: what has
 *  `Generator`. */
export async function logitsDigest(library, { Generator }) {
  const trainer = await trained(library);
  const digests = new Set();
  for (const chunk of [1, 2, 7, 16, 24]) {
    const generator = Generator.create(trainer, { chunk });
    digests.add(await digestOf(library.sha256Hex, await logits(generator)));
  }
  const written = new Set();
  for (const sequences of [1, 3, 16])
    written.add(await texts(Generator.create(trainer, { sequences })));
  if (written.size > 1) return `other texts at a time, other texts: ${[...written].join('; ')}`;
  return [...digests].join(', ');
}

// One leg of the handover, on any runtime: takes a checkpoint or begins, trains some steps, gives a
// checkpoint. Imports nothing: the runtime passes the library it has. Bytes travel as hexadecimal
// digits in JSON, which every runtime can read.

const STEPS = 200;
const MODEL = { vocabulary: 32, layers: 3, channels: 32, heads: 2, context: 32 };
const optionsOf = ({ bdia, cosine, gpt }) => ({
  model: gpt({ ...MODEL, rule: bdia() }),
  batch: 4,
  steps: STEPS,
  seed: 2026,
  learningRate: cosine(0.003, { warmup: 20 }),
});

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (text) =>
  Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );

/** The batch of a step: x' = 5 x + 3 mod 32, and one time in eight something else; in integers,
 *  from the step alone. */
function batchOf({ batch, model }, step) {
  const { vocabulary, context } = model.config;
  const n = batch * context;
  const tokens = new Int32Array(n + 1);
  let state = Math.imul(step + 1, 0x9e3779b1);
  let token = 0;
  for (let i = 0; i <= n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    token = state >>> 29 === 0 ? (state >>> 8) % vocabulary : (5 * token + 3) % vocabulary;
    tokens[i] = token;
  }
  return { inputs: tokens.slice(0, n), targets: tokens.slice(1) };
}

/** { checkpoint: hex or nothing, steps } → { checkpoint: hex, step, loss, weights: SHA-256 }. */
export async function handover(library, { checkpoint, steps }) {
  const { Trainer, decodeCheckpoint, encodeCheckpoint } = library;
  const begun = checkpoint === undefined ? undefined : await decodeCheckpoint(fromHex(checkpoint));
  const trainer = Trainer.create(begun?.options ?? optionsOf(library));
  if (begun !== undefined) trainer.restore(begun.tensors, begun.step);
  let loss = 0;
  for (const end = trainer.steps + steps; trainer.steps < end; ) {
    ({ loss } = trainer.step(batchOf(trainer.options, trainer.steps)));
  }
  const bytes = await encodeCheckpoint({
    tensors: trainer.tensors(),
    options: trainer.options,
    step: trainer.steps,
    vocabulary: null,
    dataSha256: '0'.repeat(64),
    libraryVersion: 'conformance',
  });
  return {
    checkpoint: toHex(bytes),
    step: trainer.steps,
    loss,
    weights: await trainer.weightsSha256(),
  };
}

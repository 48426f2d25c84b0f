// The receipt of a short training run, as one digest: its last chain value, with version and
// kernels' digest left out of the first line, which change with releases that change no bit. The
// chain is computed here once more, by what docs/receipts.md says of it.

const SHAPE = { vocabulary: 29, layers: 2, channels: 24, heads: 3, context: 17, bias: true };
const BATCH = 3;
const STEPS = 6;

/** Token ids of a step, skewed. */
function batchOf(step) {
  const n = BATCH * SHAPE.context;
  const token = (i) => ((i * i * 7 + i * 3 + step * 31) % 101) % SHAPE.vocabulary;
  const ids = Int32Array.from({ length: n + 1 }, (_, i) => token(i));
  return { inputs: ids.slice(0, n), targets: ids.slice(1) };
}

const ascii = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The last chain value of lines without theirs. */
async function chainOf({ sha256Hex }, lines) {
  let chain = '';
  for (const line of lines) chain = await sha256Hex(ascii(chain + JSON.stringify(line)));
  return chain;
}

/** The lines of the run's receipt. `library`: what has Trainer, gpt and sha256Hex; `entry`: what
 *  has Recorder; `options`: those of the trainer that decide no bit; `test`: of Trainer.forTests.
 */
export async function receiptLines({ Trainer, gpt, sha256Hex }, { Recorder }, options, test) {
  const run = { model: gpt(SHAPE), batch: BATCH, steps: STEPS, learningRate: 0.003, seed: 5 };
  const trainer = Trainer.forTests({ ...run, ...options }, test ?? {});
  const dataSha256 = await sha256Hex(ascii('made up'));
  const recorder = await Recorder.begin(trainer, { dataSha256, every: 4, full: true });
  let text = recorder.header;
  while (trainer.steps < STEPS) text += await recorder.record(trainer.step(batchOf(trainer.steps)));
  trainer.close();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The digest of the run's receipt; the chain that was written, if that is not what follows from
 *  its lines. */
export async function receiptDigest(library, entry, options, test) {
  const lines = await receiptLines(library, entry, options, test);
  const { chain } = lines[lines.length - 1];
  const bodies = lines.map(({ chain: _, ...body }) => body);
  const again = await chainOf(library, bodies);
  if (again !== chain) return `${chain}, expected ${again}`;
  const [{ library: _, kernels: _kernels, ...first }, ...rest] = bodies;
  return chainOf(library, [first, ...rest]);
}

// A short training run with 8 bit operands, as one digest of its weights: the same whichever build
// of the kernels this runtime is given, which is said beside it.

const SHAPE = { vocabulary: 29, layers: 2, channels: 40, heads: 4, context: 139, bias: true };
const BATCH = 2;
const STEPS = 3;

/** Token ids of a step, skewed. */
function batchOf(step) {
  const n = BATCH * SHAPE.context;
  const token = (i) => ((i * i * 7 + i * 3 + step * 31) % 101) % SHAPE.vocabulary;
  const ids = Int32Array.from({ length: n + 1 }, (_, i) => token(i));
  return { inputs: ids.slice(0, n), targets: ids.slice(1) };
}

/** SHA-256 of the weights, and which kernels made them and why. `library`: what has Trainer, gpt
 *  and int8; `test`: of Trainer.forTests. */
export async function int8Run({ Trainer, gpt, int8 }, options = {}, test = {}) {
  const model = gpt({ ...SHAPE, operands: int8(options) });
  const run = { model, batch: BATCH, steps: 9, learningRate: 0.003, seed: 5 };
  const trainer = Trainer.forTests(run, test);
  while (trainer.steps < STEPS) trainer.step(batchOf(trainer.steps));
  return { digest: await trainer.weightsSha256(), kernels: trainer.kernels };
}

/** The digest of the run by the kernels that this runtime is given, and by those with relaxed
 *  instructions if it has them at all; both if they differ. `library`: that, and what has
 *  chooseInt8. */
export async function int8Digest(library) {
  const builds = library.chooseInt8().hasRelaxed ? ['auto', 'relaxed', 'pairs'] : ['auto'];
  const digests = new Set();
  for (const build of builds) digests.add((await int8Run(library, { build })).digest);
  return [...digests].join(' and ');
}

// A training of images that can be stopped at any moment and goes on bit for bit from its
// checkpoint, which is replaced as a whole every `save` steps. What it ends with can be kept in
// bench/results/flows.json.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { decodeCheckpoint, encodeCheckpoint, Trainer } from '../dist/index.js';
import { resultFile, stamp, writeResult } from './stamp.mjs';

const TELL_EVERY = 20;

/** The trainer of a file if there is one, or a new one. */
async function begin(file, { definition, options, more }) {
  if (!existsSync(file)) return Trainer.create({ ...options, ...more });
  const saved = await decodeCheckpoint(readFileSync(file), { models: [definition] });
  const trainer = Trainer.create({ ...saved.options, ...more });
  trainer.restore(saved.tensors, saved.step);
  console.log(`goes on from step ${saved.step} of ${file}`);
  return trainer;
}

/** The checkpoint of a trainer of images, as bytes. */
export function checkpointOf(trainer, definition) {
  const checkpoint = {
    tensors: trainer.tensors(),
    options: trainer.options,
    step: trainer.steps,
    vocabulary: null,
    dataSha256: '0'.repeat(64),
    libraryVersion: '0.1.0',
  };
  return encodeCheckpoint(checkpoint, { models: [definition] });
}

async function save(file, trainer, definition) {
  const bytes = await checkpointOf(trainer, definition);
  writeFileSync(`${file}.new`, bytes);
  renameSync(`${file}.new`, file);
}

/** Keeps what was found of a model, beside what was found of others. */
async function keep(name, trainer, found) {
  const file = resultFile('flows');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const { steps, batch } = trainer.options;
  const facts = {
    weights: trainer.parameters,
    steps,
    batch,
    sha256: await trainer.weightsSha256(),
  };
  writeResult(file, { ...before, [name]: { ...facts, ...found, ...stamp() } });
}

/** Trains to the last step. run: definition, options, more (threads, worker: what decides no bit),
 *  batchOf(step), evaluate(trainer), which is asked every `evaluateEvery` steps and at the end and
 *  says what it found; save: steps from one checkpoint to the next; kept: the name under which the
 *  end is kept, if it is. */
export async function trainImages(file, run) {
  const trainer = await begin(file, run);
  await trainer.ready();
  const { steps } = trainer.options;
  console.log(`${trainer.parameters} weights, ${trainer.threads} threads ${trainer.threadsNote}`);
  const [started, first] = [performance.now(), trainer.steps];
  while (trainer.steps < steps) {
    const { loss, step, saturated } = trainer.step(run.batchOf(trainer.steps));
    if (step % TELL_EVERY === 0) {
      const each = (performance.now() - started) / 1000 / (step - first);
      const left = Math.round(((steps - step) * each) / 60);
      const said = `step ${step} of ${steps}, loss ${loss.toFixed(4)}, saturated ${saturated}`;
      console.log(`${said}, ${each.toFixed(2)} s a step, ${left} min left`);
    }
    if (step % run.save === 0 || step === steps) await save(file, trainer, run.definition);
    if (step % run.evaluateEvery === 0 && step < steps) run.evaluate(trainer);
  }
  const found = run.evaluate(trainer);
  if (run.kept !== undefined) await keep(run.kept, trainer, found);
  trainer.close();
}

// One sample of a batch on its way through the blocks and back, by the library's own step; no
// weight is changed.

import { fillBatch, ReconstructionError, type TextBatch, Trainer, UsageError } from 'retrograd';
import type { Failure, Flip, Journey } from '../protocol.ts';
import type { Settings } from '../settings.ts';
import { failureOf } from './failure.ts';
import type { LearnedText } from './learned-text.ts';
import { optionsOf, ruleOf } from './options.ts';
import { tapped } from './tap.ts';

/** Elements of all states that a page is given pictures of. */
const MOST_ELEMENTS = 2 ** 22;

interface Asked {
  readonly settings: Settings;
  readonly sample: number;
  readonly flip?: Flip;
  readonly text: LearnedText;
  /** Whose weights are taken; without it those that a new run begins with. */
  readonly trainer: Trainer<TextBatch> | undefined;
}

function batchOf({ settings, text }: Asked, step: number): TextBatch {
  const { seed, batch, context } = settings;
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  fillBatch(text.train, { seed, batch, context, step }, inputs, targets);
  return { inputs, targets };
}

function checkAsked({ settings, sample, flip }: Asked): void {
  if (settings.rule === 'none')
    throw new UsageError(
      'the rule none keeps every state, so there is no way back to look at',
      'choose one of the reversible rules',
    );
  const { layers, context, channels } = settings;
  if ((layers + 1) * context * channels > MOST_ELEMENTS)
    throw new UsageError(
      `the states have ${(layers + 1) * context * channels} elements, pictures are made of up to ` +
        `${MOST_ELEMENTS}`,
      'take fewer layers, channels or a shorter context',
    );
  if (!(Number.isInteger(sample) && sample >= 0 && sample < settings.batch))
    throw new UsageError(`sample is ${sample}, expected 0 to ${settings.batch - 1}`);
  checkFlip(settings, flip);
}

function checkFlip({ layers, context, channels }: Settings, flip: Flip | undefined): void {
  if (flip === undefined) return;
  const { element, bit, block } = flip;
  const elements = context * channels;
  if (!(Number.isInteger(element) && element >= 0 && element < elements))
    throw new UsageError(`the element is ${element}, expected 0 to ${elements - 1}`);
  if (!(Number.isInteger(bit) && bit >= 0 && bit < 32))
    throw new UsageError(`the bit is ${bit}, expected 0 to 31`);
  if (!(block >= 1 && block < layers))
    throw new UsageError(
      `the block is ${block}, expected 1 to ${layers - 1}`,
      'two blocks and more have bits that the way back needs',
    );
}

/** Elements that differ; undefined if there is nothing to compare. */
const differing = (a: Int32Array, b: Int32Array | undefined): number | undefined =>
  b === undefined ? undefined : a.reduce((sum, value, i) => sum + Number(value !== b[i]), 0);

/** There and back; the library's word if it notices a difference. */
function run(trainer: Trainer<TextBatch>, batch: TextBatch): Failure | undefined {
  try {
    trainer.computeGradients(batch);
    return undefined;
  } catch (error) {
    if (error instanceof ReconstructionError) return failureOf(error);
    throw error;
  }
}

export function journey(asked: Asked): Journey {
  checkAsked(asked);
  const { settings, sample, flip, text } = asked;
  const { context: rows, channels: columns, rule: name } = settings;
  const { rule, watched } = tapped(ruleOf(name), sample, flip);
  const trainer = Trainer.create(optionsOf(settings, text.vocabulary.size, rule));
  const { trainer: learned } = asked;
  if (learned !== undefined) trainer.restore(learned.tensors(), learned.steps);
  const batch = batchOf(asked, trainer.steps);
  const error = run(trainer, batch);
  const { forward, back, side } = watched;
  const own = batch.inputs.subarray(sample * rows, (sample + 1) * rows);
  return {
    rows,
    columns,
    forward,
    back: forward.map((_, k) => back[k]),
    differing: forward.map((state, k) => differing(state, back[k])),
    side: forward.slice(0, -1).map((_, k) => side[k] ?? new Uint8Array(0)),
    fraction: trainer.options.fractionBits,
    sample,
    step: trainer.steps,
    text: text.vocabulary.decode(own),
    error,
    checkedStates: trainer.totals.checkedStates,
  };
}

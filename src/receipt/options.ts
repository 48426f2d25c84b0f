// The options of a run, out of its receipt.

import { callback, fields, list, reading } from '../core/check.ts';
import { RetrogradError } from '../core/errors.ts';
import {
  type AnyDefinition,
  builtinChoices,
  builtinModels,
  type CheckedOptions,
  type CheckpointReader,
  checkTrainOptions,
} from '../index.ts';
import { optionsFromData } from '../train/options-data.ts';
import { ReceiptError } from './errors.ts';
import { readReceipt } from './read.ts';

/** The options of the run that a receipt, given as its file's bytes, is of; those that change no
 *  bit have their defaults. `reader`: models and choices of your own, as for a checkpoint. Throws
 *  ReceiptError for a receipt that cannot be read, or of a model that is not known.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10, seed: 7 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const { header } = await Recorder.begin(trainer, { dataSha256 });
 *  const options = receiptOptions(new TextEncoder().encode(header));
 *  console.log(options.seed, options.model.name); // 7 gpt
 */
export function receiptOptions(file: Uint8Array, reader: CheckpointReader = {}): CheckedOptions {
  const { header } = readReceipt(file);
  const given = fields<CheckpointReader>('the reader', reader, { models: [], choices: {} });
  const own = list('models', given.models, (what, one) => callback(what, one as AnyDefinition));
  const choices = { ...builtinChoices(), ...reading('choices', () => ({ ...given.choices })) };
  try {
    const data = optionsFromData(header.options, [...own, ...builtinModels()], choices);
    return checkTrainOptions(data);
  } catch (error) {
    if (!(error instanceof RetrogradError)) throw new ReceiptError('its options cannot be used');
    throw new ReceiptError(`its options cannot be used: ${error.message}`);
  }
}

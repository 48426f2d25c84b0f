// retrograd plan gpt: the memory of a training run, without running it.

import { asFlags, quote } from './argv.ts';
import { readTextFile } from './files.ts';
import { bytes, count, table } from './format.ts';
import { Vocabulary, planGpt } from './library.ts';
import { RUN_NAMES, type RunValues, trainOptions } from './options.ts';
import { planEvent, print, printJson } from './reporters.ts';

const MEANING: Record<string, string> = {
  weights: 'int32 master weights', gradients: 'exact int64 sums', optimizer: 'two int32 moments',
  states: 'kept of the forward pass', sideBits: 'one bit an activation a block', workspace: 'one block at a time',
};

/** Size of the vocabulary: of the text, as given, or 256 as of bytes. */
function vocabularySize(values: RunValues): number {
  if (values.text !== undefined) return Vocabulary.ofText(readTextFile(values.text), values.vocabulary ?? 'characters', `text ${quote(values.text)}`).size;
  return values.vocabularySize ?? 256;
}

export function plan(values: RunValues): number {
  const options = trainOptions(values, vocabularySize(values));
  const memory = asFlags(RUN_NAMES, () => planGpt(options));
  if (values.json === true) {
    printJson(planEvent(memory));
    return 0;
  }
  const rows = Object.entries(memory.bytes).map(([purpose, size]) => [purpose === 'sideBits' ? 'side bits' : purpose, bytes(size), count(size), MEANING[purpose] ?? '']);
  print(table([...rows, ['all', bytes(memory.total), count(memory.total), 'with alignment']], [1, 2]));
  print(`\n${count(memory.parameters)} parameters, vocabulary ${options.model.vocabulary}; storing the states would need ${bytes(memory.storedStatesWouldBe)}`);
  return 0;
}

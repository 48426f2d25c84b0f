// retrograd sample DIR --prompt "...": text from a saved model. The same seed gives the same text on every machine.

import { type GptTrainer, UsageError, type Vocabulary, chooseToken } from './library.ts';
import { gpt } from './kinds/gpt.ts';
import { printable } from './printable.ts';
import { print, printJson } from './reporters.ts';
import { openRun, restoreTrainer } from './run.ts';

export interface SampleValues {
  prompt?: string;
  length?: number;
  temperature?: number;
  seed?: number;
  json?: boolean;
}

/** The tokens that follow a prompt of at least one token. */
export function generate(trainer: Pick<GptTrainer, 'logits' | 'options'>, prompt: Int32Array, { length, temperature, seed }: { length: number; temperature: number; seed: number }): Int32Array {
  const { context } = trainer.options.model;
  const tokens = new Int32Array(prompt.length + length);
  tokens.set(prompt);
  for (let at = prompt.length; at < tokens.length; at++)
    tokens[at] = chooseToken(trainer.logits(tokens.subarray(Math.max(0, at - context), at)), temperature, seed, at - prompt.length);
  return tokens.subarray(prompt.length);
}

/** Without a prompt a text begins after a line break, if the training text has any. */
export function promptTokens(vocabulary: Vocabulary, prompt: string | undefined): Int32Array {
  if (prompt === '') throw new UsageError("--prompt is '', expected at least one character", 'leave it out to begin after a line break');
  if (prompt !== undefined) return vocabulary.encode(new TextEncoder().encode(prompt), '--prompt');
  try {
    return vocabulary.encode(Uint8Array.of(10));
  } catch {
    return Int32Array.of(0);
  }
}

export async function sample(directory: string, values: SampleValues): Promise<number> {
  const { length = 400, temperature = 0.8, seed = 1 } = values;
  if (!(temperature >= 0 && temperature <= 100)) throw new UsageError(`--temperature is ${temperature}, expected a number from 0 (most likely token) to 100`);
  const run = await openRun(directory, gpt), { characters } = run.known;
  const prompt = promptTokens(characters, values.prompt);
  const text = characters.decode(generate(restoreTrainer(gpt, run, { ...run.options, threads: 1 }), prompt, { length, temperature, seed }));
  if (values.json === true) printJson({ event: 'sample', prompt: values.prompt ?? '', text, length, temperature, seed, step: run.step });
  else print(printable(`${values.prompt ?? ''}${text}`));
  return 0;
}

// retrograd sample DIR --prompt "...": text from a saved model. The same seed gives the same text
// on every machine.

import { asFlags } from './argv.ts';
import { Interrupts } from './interrupts.ts';
import { gpt } from './kinds/gpt.ts';
import type { TextVocabulary } from './kinds/gpt-known.ts';
import { type GenerateOptions, Generator, UsageError } from './library.ts';
import { write } from './output.ts';
import { printable } from './printable.ts';
import { printJson } from './reporters.ts';
import { openRun } from './run.ts';

export interface SampleValues {
  prompt?: string;
  length?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  stop?: string[];
  slide?: number;
  seed?: number;
  json?: boolean;
}

/** Without a prompt a text begins after a line break, if the training text has any. */
export function promptTokens(vocabulary: TextVocabulary, prompt: string | undefined): Int32Array {
  if (prompt === '')
    throw new UsageError(
      "--prompt is '', expected at least one character",
      'leave it out to begin after a line break',
    );
  if (prompt !== undefined) return vocabulary.encode(new TextEncoder().encode(prompt), '--prompt');
  try {
    return vocabulary.encode(Uint8Array.of(10));
  } catch {
    return Int32Array.of(0);
  }
}

/** What the generator calls by other names than the command line. */
const FLAGS = ['topK', 'topP', 'minP', 'repetitionPenalty', 'stop', 'slide', 'seed'];

/** Writes a text while it comes: a carriage return waits for the line feed that may follow. */
class Writer {
  private held = '';

  take(piece: string): void {
    const text = this.held + piece;
    this.held = text.endsWith('\r') ? '\r' : '';
    write(printable(text.slice(0, text.length - this.held.length)));
  }

  end(): void {
    write(`${printable(this.held)}\n`);
  }
}

/** Options of the command as those of the generator, the defaults too: what is used is told. */
function optionsOf(values: SampleValues): GenerateOptions {
  const { length = 400, temperature = 0.8, seed = 1 } = values;
  const { topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, stop = [], slide = 1 } = values;
  if (!(temperature >= 0 && temperature <= 100))
    throw new UsageError(
      `--temperature is ${temperature}, expected a number from 0 (most likely token) to 100`,
    );
  if (stop.includes('')) throw new UsageError("--stop is '', expected at least one character");
  const given = { temperature, topK, topP, minP, repetitionPenalty, stop, slide, seed };
  return { ...given, maxTokens: length };
}

export async function sample(directory: string, values: SampleValues): Promise<number> {
  const options = optionsOf(values);
  const run = await openRun(directory, gpt);
  const { vocabulary } = run.known;
  const prompt = promptTokens(vocabulary, values.prompt);
  const generator = Generator.create(run, { codec: vocabulary });
  const pieces = asFlags(FLAGS, () => generator.generate(prompt, options));
  const interrupts = new Interrupts();
  const writer = values.json === true ? undefined : new Writer();
  let all = '';
  writer?.take(values.prompt ?? '');
  for await (const { text } of pieces) {
    all += text;
    writer?.take(text);
    if (interrupts.exitCode !== undefined) break;
  }
  writer?.end();
  if (writer === undefined) {
    const { maxTokens: length, ...used } = options;
    const about = { prompt: values.prompt ?? '', text: all };
    printJson({ event: 'sample', ...about, length, ...used, step: run.step });
  }
  return interrupts.exitCode ?? 0;
}

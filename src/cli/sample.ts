// retrograd sample DIR --prompt "...": text from a saved model. The same seed gives the same text
// on every machine.

import { gpt } from './kinds/gpt.ts';
import type { TextVocabulary } from './kinds/gpt-known.ts';
import {
  chooseToken,
  type GptConfig,
  type TextBatch,
  type TokenDecoder,
  type Trainer,
  UsageError,
} from './library.ts';
import { write } from './output.ts';
import { printable } from './printable.ts';
import { printJson } from './reporters.ts';
import { openRun, restoreTrainer } from './run.ts';
import { configOf } from './settings.ts';

export interface SampleValues {
  prompt?: string;
  length?: number;
  temperature?: number;
  seed?: number;
  json?: boolean;
}

interface Drawing {
  length: number;
  temperature: number;
  seed: number;
}

/** The tokens that follow a prompt of at least one token. `each` hears every one as it comes. */
export function generate(
  trainer: Pick<Trainer<TextBatch>, 'predict' | 'options'>,
  prompt: Int32Array,
  { length, temperature, seed }: Drawing,
  each: (token: number) => void = () => undefined,
): Int32Array {
  const { context } = configOf<GptConfig>(trainer.options);
  const tokens = new Int32Array(prompt.length + length);
  tokens.set(prompt);
  for (let at = prompt.length; at < tokens.length; at++) {
    const logits = trainer.predict(tokens.subarray(Math.max(0, at - context), at));
    tokens[at] = chooseToken(logits, temperature, seed, at - prompt.length);
    each(tokens[at]);
  }
  return tokens.subarray(prompt.length);
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

/** Writes a text while it comes: the same characters as of all tokens at once. */
class Writer {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** A carriage return, whose line feed may come. */
  private held = '';
  /** Of a tokenizer. */
  private readonly pieces: TokenDecoder | undefined;
  constructor(private readonly vocabulary: TextVocabulary) {
    this.pieces = vocabulary.kind === 'tokenizer' ? vocabulary.decoder() : undefined;
  }

  begin(prompt: string): void {
    write(printable(prompt));
  }

  take(token: number): void {
    this.put(this.pieces?.take(token) ?? this.textOf(token));
  }

  private textOf(token: number): string {
    const isByte = this.vocabulary.kind === 'bytes';
    const bytes = isByte ? Uint8Array.of(token) : undefined;
    return isByte ? this.decoder.decode(bytes, { stream: true }) : this.vocabulary.decode([token]);
  }

  end(): void {
    this.put(this.pieces?.end() ?? this.decoder.decode());
    write(`${printable(this.held)}\n`);
  }

  private put(piece: string): void {
    const text = this.held + piece;
    this.held = text.endsWith('\r') ? '\r' : '';
    write(printable(text.slice(0, text.length - this.held.length)));
  }
}

export async function sample(directory: string, values: SampleValues): Promise<number> {
  const { length = 400, temperature = 0.8, seed = 1 } = values;
  if (!(temperature >= 0 && temperature <= 100))
    throw new UsageError(
      `--temperature is ${temperature}, expected a number from 0 (most likely token) to 100`,
    );
  const run = await openRun(directory, gpt);
  const { vocabulary } = run.known;
  const prompt = promptTokens(vocabulary, values.prompt);
  const trainer = restoreTrainer(gpt, run, { ...run.options, threads: 1 });
  const drawing = { length, temperature, seed };
  if (values.json === true) {
    const text = vocabulary.decode(generate(trainer, prompt, drawing));
    printJson({ event: 'sample', prompt: values.prompt ?? '', text, ...drawing, step: run.step });
    return 0;
  }
  const writer = new Writer(vocabulary);
  writer.begin(values.prompt ?? '');
  generate(trainer, prompt, drawing, (token) => writer.take(token));
  writer.end();
  return 0;
}

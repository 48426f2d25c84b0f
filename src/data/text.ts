// From the bytes of a text to what a run trains on: tokens, split 90 / 10 into a training and a
// validation part, the same split as nanoGPT's, so that losses can be compared.

import { fields, having, MAX_LENGTH, text, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { Vocabulary, type VocabularyKind } from './vocabulary.ts';

/** What makes tokens of a text: a `Vocabulary`, a `Tokenizer` of retrograd/tokenizer, or an object
 *  of your own. */
export type TextEncoding = Pick<Vocabulary, 'encode'>;

/** A training text, ready: its vocabulary and its tokens in two parts. */
export interface TextData<V extends TextEncoding = Vocabulary> {
  /** What the tokens stand for. */
  readonly vocabulary: V;
  /** The first floor(0.9 n) tokens. */
  readonly train: Int32Array;
  /** The rest. */
  readonly validation: Int32Array;
}

/** The first floor(9 n / 10) tokens and the rest, as views of `tokens`.
 *  @example
 *  const { train, validation } = splitTokens(Int32Array.from({ length: 25 }, (_, i) => i));
 *  console.log(train.length, validation[0]); // 22 22
 */
export function splitTokens(tokens: Int32Array): { train: Int32Array; validation: Int32Array } {
  typed('tokens', tokens, 'Int32Array');
  if (tokens.length === 0) return { train: new Int32Array(0), validation: new Int32Array(0) };
  const cut = (9 * tokens.length - ((9 * tokens.length) % 10)) / 10;
  return { train: tokens.subarray(0, cut), validation: tokens.subarray(cut) };
}

/** A window needs its targets too: context + 1 tokens. Throws UsageError if `tokens` is shorter;
 *  `what` names them in its message.
 *  @example
 *  try {
 *    checkLength(new Int32Array(16), 16, 'the prompt');
 *  } catch (error) {
 *    console.log(error.message);
 *    // the prompt has 16 tokens, expected at least 17 (context 16 + 1). HINT: use a longer text
 *  }
 */
export function checkLength(tokens: Int32Array, context: number, what: string): void {
  typed(text('what', what), tokens, 'Int32Array');
  whole('context', context, 0, MAX_LENGTH);
  if (tokens.length > context) return;
  throw new UsageError(
    `${what} has ${tokens.length} tokens, expected at least ${context + 1} (context ` +
      `${context} + 1)`,
    'use a longer text',
  );
}

/** How a text is read. */
export interface TextOptions<V = VocabularyKind | TextEncoding> {
  /** T: tokens of a window; each part of the text must have more. */
  context: number;
  /** A kind of vocabulary, or one that is given, as a `Tokenizer` ('characters'). */
  vocabulary?: V | undefined;
  /** What errors call the text ('text'). */
  what?: string | undefined;
}

/** Reads a training text: vocabulary (or the given one), tokens, split. `what` names the text in
 *  errors. Throws UsageError for a text that is empty, not UTF-8, has one distinct token, or has
 *  a part shorter than context + 1.
 *  @example
 *  const bytes = new TextEncoder().encode('she sells sea shells by the sea shore. '.repeat(4));
 *  const { vocabulary, train, validation } = readText(bytes, { context: 8 });
 *  console.log(vocabulary.size, train.length, validation.length); // 12 140 16
 *  console.log(vocabulary.decode(train.subarray(0, 9))); // she sells
 */
export function readText<V extends TextEncoding>(
  bytes: Uint8Array,
  options: TextOptions<V> & { vocabulary: V },
): TextData<V>;
/** The same with a vocabulary that is made of the text, or given. */
export function readText(
  bytes: Uint8Array,
  options: TextOptions<VocabularyKind | Vocabulary>,
): TextData;
/** Both. */
export function readText(bytes: Uint8Array, options: TextOptions): TextData<TextEncoding> {
  const {
    context,
    vocabulary: given,
    what,
  } = fields<TextOptions>('options', options, {
    context: undefined,
    vocabulary: 'characters',
    what: 'text',
  });
  typed(text('what', what), bytes, 'Uint8Array');
  whole('context', context, 1, MAX_LENGTH);
  if (bytes.length === 0)
    throw new UsageError(
      `${what} is empty`,
      `give a text of at least ${10 * context + 1} characters`,
    );
  const vocabulary =
    typeof given === 'string'
      ? Vocabulary.ofText(bytes, given, what)
      : having<TextEncoding>('vocabulary', given, ['encode']);
  const tokens = typed('the tokens', vocabulary.encode(bytes, what), 'Int32Array');
  const unit = vocabulary instanceof Vocabulary ? 'character' : 'token';
  if (tokens.every((token) => token === tokens[0]))
    throw new UsageError(
      `${what} has one distinct ${unit} in ${tokens.length}, expected at least 2`,
      'there is nothing to learn from it; give a real text',
    );
  const parts = splitTokens(tokens);
  for (const [part, name] of [
    [parts.train, 'training'],
    [parts.validation, 'validation'],
  ] as const) {
    if (part.length > context) continue;
    // the validation part has ceil(n / 10) tokens and needs context + 1
    const longest = Math.floor((tokens.length - 1) / 10);
    const shorter = longest >= 1 ? `, or a context of at most ${longest}` : '';
    throw new UsageError(
      `${what} is too short: its ${name} part has ${part.length} tokens, expected at least ` +
        `${context + 1} (context ${context} + 1)`,
      `use a text of at least ${10 * context + 1} ${unit}s${shorter}`,
    );
  }
  return { vocabulary, ...parts };
}

/** All windows of `context` tokens that do not overlap, and the same windows one token later: a
 *  batch for `Trainer.evaluate`. Throws UsageError for fewer than context + 1 tokens.
 *  @example
 *  const { inputs, targets } = textWindows(Int32Array.of(5, 6, 7, 8, 9, 10), 2);
 *  console.log(inputs.join(' '), '-', targets.join(' ')); // 5 6 7 8 - 6 7 8 9
 */
export function textWindows(
  tokens: Int32Array,
  context: number,
): { inputs: Int32Array; targets: Int32Array } {
  whole('context', context, 1, MAX_LENGTH);
  const given = typed('tokens', tokens, 'Int32Array');
  checkLength(given, context, 'the text');
  const end = Math.floor((given.length - 1) / context) * context;
  return { inputs: given.slice(0, end), targets: given.slice(1, end + 1) };
}

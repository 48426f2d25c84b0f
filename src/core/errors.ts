// The errors that retrograd throws on purpose. Each says what was given, what was expected and,
// where there is one, a hint. The command line maps them to exit codes: UsageError 2, every other
// RetrogradError 1.

/** Controls, what ends a line, what turns the direction of writing: a terminal would obey. */
const CONTROLS = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Characters of a message, whatever it quotes. */
const LONGEST = 2000;

/** A text on one line that may quote a file: controls as \u escapes, the end of a long one left
 *  out. */
const printable = (text: string): string =>
  String(text)
    .slice(0, LONGEST)
    .replace(CONTROLS, (c) =>
      c === '\n' ? '\\n' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

/** The base class of all errors that the library throws on purpose: `message` is one line (what was
 *  given, what is expected), `hint` what to do about it (also at the end of the message). Thrown
 *  itself where the runtime cannot run the library at all.
 *  @example
 *  const error = new RetrogradError('the cup is empty', 'fill it');
 *  console.log(error.message); // the cup is empty. HINT: fill it
 *  console.log(error.hint); // fill it
 */
export class RetrogradError extends Error {
  /** Kept by bundlers, which shorten a class's own name. @internal */
  static override readonly name: string = 'RetrogradError';
  /** On the prototype: the stack is made, and begins with it, before a field would be there.
   *  @internal */
  override get name(): string {
    return this.constructor.name;
  }
  /** What to do about it; undefined if there is nothing to add. */
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    const tail = hint === undefined ? undefined : printable(hint);
    super(printable(message) + (tail === undefined ? '' : `. HINT: ${tail}`));
    this.hint = tail;
  }
}

/** Bad input: an option, a configuration, a text or a file that cannot be used. Nothing was
 *  written.
 *  @example
 *  try {
 *    gpt({ vocabulary: 64, layers: 2, channels: 30, heads: 4, context: 16 });
 *  } catch (error) {
 *    console.log(error instanceof UsageError, error.hint);
 *    // true choose heads among the divisors of 30
 *  }
 */
export class UsageError extends RetrogradError {
  /** @internal */
  static override readonly name = 'UsageError';
}

/** A checkpoint that is damaged, truncated, foreign or of another model; the message has the
 *  reason.
 *  @example
 *  const error = await decodeCheckpoint(new Uint8Array(100)).catch((thrown) => thrown);
 *  console.log(error instanceof CheckpointError, error.message);
 *  // true not a safetensors file: its header length is 0, expected 2 to 16777216
 */
export class CheckpointError extends RetrogradError {
  /** @internal */
  static override readonly name = 'CheckpointError';
}

/** A value (a weight's copy, a residual state, a gradient) left the range in which the arithmetic
 *  is exact. The step was refused before any weight was touched; `hint` says what keeps the next
 *  run in range.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 256, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 1 });
 *  const weights = trainer.tensors().filter(isWeight);
 *  for (const { data } of weights) data.fill(15 * 2 ** 24); // every weight is 15
 *  try {
 *    trainer.step({ inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) });
 *  } catch (error) {
 *    console.log(error instanceof OverflowError, error.hint); // true lower the learning rate
 *  }
 *  console.log(trainer.steps); // 0
 */
export class OverflowError extends RetrogradError {
  /** @internal */
  static override readonly name = 'OverflowError';
}

/** A reconstructed state differs from the one of the forward pass: a fault of the hardware or of
 *  this library, never of the data. Thrown by `step` and `computeGradients` before any weight
 *  is touched, if the option `verify` is on.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 3, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 1, verify: true });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  try {
 *    const { checkedStates } = trainer.step(batch);
 *    console.log(`${checkedStates} states rebuilt exactly`); // 2 states rebuilt exactly
 *  } catch (error) {
 *    if (error instanceof ReconstructionError) console.log('do not trust this machine');
 *  }
 */
export class ReconstructionError extends RetrogradError {
  /** @internal */
  static override readonly name = 'ReconstructionError';
}

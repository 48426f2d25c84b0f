// The errors that retrograd throws on purpose. Each says what was given, what was expected and, where there is one, a hint.
// The command line maps them to exit codes: UsageError 2, every other RetrogradError 1.

/** The base class: `message` is one line, `hint` what to do about it (also at the end of the message). */
export class RetrogradError extends Error {
  override name = 'RetrogradError';
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message}. HINT: ${hint}`);
    this.hint = hint;
  }
}

/** Bad input: an option, a configuration, a text or a file that cannot be used. Nothing was written. */
export class UsageError extends RetrogradError {
  override name = 'UsageError';
}

/** A checkpoint that is damaged, truncated, foreign or of another model. */
export class CheckpointError extends RetrogradError {
  override name = 'CheckpointError';
}

/** A value left the range in which the arithmetic is exact; the step was refused before any weight was touched. */
export class OverflowError extends RetrogradError {
  override name = 'OverflowError';
}

/** A reconstructed state differs from the one of the forward pass. */
export class ReconstructionError extends RetrogradError {
  override name = 'ReconstructionError';
}

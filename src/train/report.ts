// What a trainer tells of its steps and evaluations.

/** What one training step did. */
export interface StepReport {
  /** Steps done, this one included. */
  step: number;
  /** Mean loss of the batch a prediction, before the update: nats, for a cross entropy. */
  loss: number;
  /** Predictions that the loss is a mean of. */
  predictions: number;
  /** Predictions that were right, where the loss counts them; else 0. */
  correct: number;
  /** Euclidean norm of the gradient of the mean loss, before clipping. */
  gradientNorm: number;
  /** Of this step, from the schedule. */
  learningRate: number;
  /** Elements clamped to their format's range in this step. */
  saturated: number;
  /** Elements of residual states beyond the accepted range. Always 0 in a report: a step with
   *  others throws OverflowError. */
  overflowed: number;
  /** Residual states rebuilt on the way back and compared with their hash of the way forward. */
  checkedStates: number;
  /** Elements that were not rebuilt exactly. Always 0 in a report: a step with others throws
   *  ReconstructionError. */
  mismatchedElements: number;
}

/** What an evaluation found. */
export interface Evaluation {
  /** Mean loss a prediction. */
  loss: number;
  /** Predictions that the loss is a mean of. */
  predictions: number;
  /** Share of the predictions that were right, where the loss counts them; else 0. */
  accuracy: number;
}

/** How an evaluation goes. */
export interface EvaluateOptions {
  /** Samples of the batch, if the model cannot tell (translator: pairs). */
  samples?: number | undefined;
  /** gamma of inference, +-0.125, +-0.25 or +-0.5, of a model whose update rule has one (0). */
  gamma?: number | undefined;
  /** Hears how many samples of how many are done. */
  onSample?: ((done: number, of: number) => void) | undefined;
}

// The batch of a step of a translator: which pairs, and where their tokens go. Every pair comes
// once an epoch, in an order that is a function of (seed, epoch), and the pairs of a step are a
// function of (seed, step, place in the batch): nothing to save, nothing that depends on
// micro-batches, on threads or on what was drawn before, so a resumed run sees the batches that the
// whole run would have seen.

import { fields, instance, list, properties, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { BytePairs, SPECIAL } from './bpe.ts';
import { EpochOrder } from './epoch.ts';
import { type Pair, readPair } from './pairs.ts';

/** The arrays of a batch of B pairs, rows of T = context tokens each, padded with 0. */
export interface PairBatch {
  /** Source tokens and the end: Int32Array(B * T). */
  source: Int32Array;
  /** Tokens of each source row, the end included: Int32Array(B). */
  sourceLengths: Int32Array;
  /** What the decoder reads: begin and the target tokens. Int32Array(B * T). */
  input: Int32Array;
  /** What it should say: the target tokens and the end. Int32Array(B * T). */
  target: Int32Array;
  /** Tokens of each input and target row: Int32Array(B). */
  targetLengths: Int32Array;
}

const BATCH = ['source', 'sourceLengths', 'input', 'target', 'targetLengths'] as const;
/** Most pairs of a batch, and tokens of a row: as a run can have. */
const MAX_BATCH = 65536;
const MAX_CONTEXT = 4096;
/** Most elements of an array of a batch: 64 MiB. No run can have more. */
const MAX_ELEMENTS = 2 ** 24;

/** Empty arrays for B pairs. Throws UsageError for more than a run can have.
 *  @example
 *  console.log(createPairBatch(2, 16).source.length); // 32
 */
export function createPairBatch(batch: number, context: number): PairBatch {
  whole('batch', batch, 1, MAX_BATCH);
  whole('context', context, 1, MAX_CONTEXT);
  whole('batch times context', batch * context, 1, MAX_ELEMENTS);
  const rows = (): Int32Array => new Int32Array(batch * context);
  return {
    source: rows(),
    sourceLengths: new Int32Array(batch),
    input: rows(),
    target: rows(),
    targetLengths: new Int32Array(batch),
  };
}

/** The arrays of a batch of `rows` to `most` pairs. */
function readBatch(out: PairBatch, rows: number, context: number, most = rows): PairBatch {
  const own = properties('the batch', out, BATCH);
  for (const name of ['sourceLengths', 'targetLengths'] as const)
    typed(name, own[name], 'Int32Array', rows, most);
  for (const name of ['source', 'input', 'target'] as const)
    typed(name, own[name], 'Int32Array', rows * context, most * context);
  return own;
}

/** Sentences as tokens, one after the other, each with its end token. */
class Sentences {
  private readonly starts: number[] = [0];
  private tokens = new Int32Array(1024);

  add(sentence: Int32Array): void {
    const start = this.starts[this.starts.length - 1];
    const next = start + sentence.length + 1;
    if (next > this.tokens.length) {
      const larger = new Int32Array(2 * next);
      larger.set(this.tokens);
      this.tokens = larger;
    }
    this.tokens.set(sentence, start);
    this.tokens[next - 1] = SPECIAL.end;
    this.starts.push(next);
  }

  at(i: number): Int32Array {
    return this.tokens.subarray(this.starts[i], this.starts[i + 1]);
  }
}

/** Pairs as tokens, encoded once. Made by `encode`.
 *  @example
 *  const pairs = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
 *  const vocabulary = BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
 *  const data = PairData.encode(pairs, { source: vocabulary, target: vocabulary, context: 5 });
 *  console.log(data.count, data.omitted); // 1 1
 */
export class PairData {
  /** Kept by bundlers. @internal */
  static readonly name = 'PairData';
  /** Pairs that fit. */
  count = 0;
  /** Pairs left out: longer than `context` tokens, the end included, on one side. */
  omitted = 0;
  /** T: most tokens of a row. */
  readonly context: number;
  private readonly sources = new Sentences();
  private readonly targets = new Sentences();
  private order: { seed: number; epochs: EpochOrder } | undefined;

  private constructor(context: number) {
    this.context = context;
  }

  /** Encodes pairs; those that are too long are left out and counted. `source`, `target`: the
   *  vocabularies, may be one. Throws UsageError if no pair fits.
   *  @example
   *  const pairs = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
   *  const vocabulary = BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
   *  const options = { source: vocabulary, target: vocabulary, context: 8 };
   *  console.log(PairData.encode(pairs, options).count); // 2
   */
  static encode(
    pairs: readonly Pair[],
    options: { source: BytePairs; target: BytePairs; context: number },
  ): PairData {
    const required = undefined;
    const given = fields('options', options, {
      source: required,
      target: required,
      context: required,
    });
    const context = whole('context', given.context, 1, MAX_CONTEXT);
    const data = new PairData(context);
    for (const side of ['source', 'target'] as const)
      instance(side, given[side], BytePairs, 'a vocabulary of byte pairs');
    const own = list('pairs', pairs, readPair);
    let shortest = Infinity;
    for (const pair of own) {
      const source = given.source.encode(pair.source);
      const target = given.target.encode(pair.target);
      const length = Math.max(source.length, target.length) + 1;
      shortest = Math.min(shortest, length);
      if (length > context) {
        data.omitted++;
        continue;
      }
      data.sources.add(source);
      data.targets.add(target);
      data.count++;
    }
    if (own.length === 0) throw new UsageError('there are no pairs, expected at least one');
    if (data.count === 0)
      throw new UsageError(
        `none of the ${own.length} pairs fits a context of ${context} tokens, expected at ` +
          'least one',
        `choose a context of at least ${shortest}`,
      );
    return data;
  }

  /** Writes pair 0 .. count - 1 into row `row` of a batch. For a pass over all pairs in their
   *  order, as in validation.
   *  @example
   *  const pairs = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
   *  const vocabulary = BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
   *  const out = createPairBatch(2, 8);
   *  const data = PairData.encode(pairs, { source: vocabulary, target: vocabulary, context: 8 });
   *  data.copy(0, 1, out);
   *  console.log(out.source.subarray(8).join(' '), out.sourceLengths[1]); // 4 7 9 2 0 0 0 0 4
   */
  copy(pair: number, row: number, out: PairBatch): void {
    whole('pair', pair, 0, this.count - 1);
    whole('row', row, 0, MAX_BATCH - 1);
    this.write(pair, row, readBatch(out, row + 1, this.context, MAX_BATCH));
  }

  /** For what has checked everything. @internal */
  write(pair: number, row: number, out: PairBatch): void {
    const { context } = this;
    const source = this.sources.at(pair);
    const target = this.targets.at(pair);
    const at = row * context;
    for (const array of [out.source, out.input, out.target])
      array.fill(SPECIAL.padding, at, at + context);
    out.source.set(source, at);
    out.sourceLengths[row] = source.length;
    out.input[at] = SPECIAL.begin;
    out.input.set(target.subarray(0, -1), at + 1);
    out.target.set(target, at);
    out.targetLengths[row] = target.length;
  }

  /** The pair in place `index` of a run: place step * batch + sample, counted through all epochs.
   *  @example
   *  const pairs = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
   *  const vocabulary = BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
   *  const data = PairData.encode(pairs, { source: vocabulary, target: vocabulary, context: 8 });
   *  console.log([0, 1, 2, 3].map((index) => data.pairAt(1, index)).join(' ')); // 1 0 1 0
   */
  pairAt(seed: number, index: number): number {
    if (this.order === undefined || this.order.seed !== seed)
      this.order = { seed, epochs: new EpochOrder(seed, this.count) };
    return this.order.epochs.at(index);
  }
}

/** Fills `out` with the batch of a step: a function of data, seed, batch and step. Throws
 *  UsageError for arrays of another size.
 *  @example
 *  const pairs = [{ source: 'go', target: 'va' }, { source: 'run', target: 'cours' }];
 *  const vocabulary = BytePairs.learn(['go', 'va', 'run', 'cours'], 20);
 *  const data = PairData.encode(pairs, { source: vocabulary, target: vocabulary, context: 8 });
 *  const out = createPairBatch(1, 8);
 *  fillPairBatch(data, { seed: 1, batch: 1, step: 0 }, out);
 *  console.log(vocabulary.decode(out.source), vocabulary.decode(out.target)); // run cours
 */
export function fillPairBatch(
  data: PairData,
  options: { seed: number; batch: number; step: number },
  out: PairBatch,
): void {
  const required = undefined;
  const { seed, batch, step } = fields('options', options, {
    seed: required,
    batch: required,
    step: required,
  });
  instance('data', data, PairData, 'a PairData');
  whole('batch', batch, 1, MAX_BATCH);
  whole('step', step, 0, Number.MAX_SAFE_INTEGER);
  const own = readBatch(out, batch, data.context);
  for (let sample = 0; sample < batch; sample++)
    data.write(data.pairAt(seed, step * batch + sample), sample, own);
}

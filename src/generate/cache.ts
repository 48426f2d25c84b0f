// Keys and values that are kept of rows gone by, packed as the matrix product wants them, and
// attention over them. The rows at hand, of one or of several sequences, are packed behind them.
// Those of another sequence, at which all rows look, are kept once.
// Scores, softmax and sums are those of training (ops/attention.ts): every sum is exact and masked
// probabilities are 0, so a row gets the same bits whatever came in one pass with it.

import {
  type AttentionCore,
  type AttentionInput,
  type AttentionShape,
  type Memory,
  type Planner,
  type Pointer,
  packedBytes,
  panelStride,
  type RowCache,
  type Run,
} from '../index.ts';

/** Rows at hand of one sequence: `count` of them from row `first` on, after `past` others. */
export interface Span {
  /** Which of the sequences. */
  readonly slot: number;
  readonly first: number;
  readonly count: number;
  readonly past: number;
}

/** Columns of a panel, and bytes of a pair of its rows (kernels.ts, pack_nn_i16). */
const COLUMNS = 16;
const PAIR = 64;

/** One attention's keys and values of every sequence (or of the other one) and head. */
interface Place {
  readonly at: Pointer;
  /** Bytes of the keys, and of the values, of one head of one sequence. */
  readonly keyBytes: number;
  readonly valueBytes: number;
}

export class KeyValueCache implements RowCache {
  /** Whose the rows at hand are. */
  spans: readonly Span[] = [];
  private readonly places = new Map<AttentionShape, Place>();
  /** Attentions to another sequence whose keys and values are kept. */
  private readonly others = new Set<AttentionShape>();
  private readonly probabilities: Pointer;
  /** Bytes between two panels of values. */
  private readonly stride: number;

  /** shapes: of the attentions whose keys and values are kept. */
  constructor(
    at: Planner,
    shapes: readonly AttentionShape[],
    { rows, context, slots }: { rows: number; context: number; slots: number },
  ) {
    let widest = 0;
    for (const shape of shapes) {
      const { channels, heads, causal } = shape;
      const size = channels / heads;
      const keys = causal ? context : shape.keys;
      const keyBytes = packedBytes(size, keys);
      const valueBytes = packedBytes(keys, size);
      const bytes = heads * (keyBytes + valueBytes);
      const place = at.allocate('states', causal ? slots * bytes : bytes);
      this.places.set(shape, { at: place, keyBytes, valueBytes });
      widest = Math.max(widest, Math.ceil(keys / COLUMNS) * COLUMNS);
    }
    this.probabilities = at.own(rows * widest * 2);
    this.stride = panelStride(context);
  }

  /** Forgets the other sequence: another one comes. */
  forgetOther(): void {
    this.others.clear();
  }

  /** Gives a sequence the rows of another one. */
  copy({ bytes: all }: Run, from: number, to: number): void {
    for (const [{ heads, causal }, { at, keyBytes, valueBytes }] of this.places) {
      const bytes = heads * (keyBytes + valueBytes);
      if (causal) all.copyWithin(at + to * bytes, at + from * bytes, at + (from + 1) * bytes);
    }
  }

  needs({ shape }: AttentionCore): boolean {
    return !this.others.has(shape);
  }

  forward(run: Run, input: AttentionInput, _: Pointer, out: Pointer, core: AttentionCore): void {
    if (!core.shape.causal) this.forwardOther(run, core, input, out);
    else for (const span of this.spans) this.forwardSpan(run, core, span, input, out);
  }

  private placeOf({ shape }: AttentionCore): Place {
    const place = this.places.get(shape);
    if (place === undefined) throw new Error('an attention that has no cache');
    return place;
  }

  /** The rows at hand look at all of another sequence. */
  private forwardOther(run: Run, core: AttentionCore, input: AttentionInput, out: Pointer): void {
    const { at, keyBytes, valueBytes } = this.placeOf(core);
    const { channels, heads } = core.shape;
    const { rows } = (run.memory as Memory).tensor;
    const { k, v, ldk } = input;
    const size = channels / heads;
    const isNew = this.needs(core);
    core.valueStride = panelStride(rows);
    for (let head = 0; head < heads; head++) {
      const column = head * size * 2;
      core.keyPanels = at + head * (keyBytes + valueBytes);
      core.valuePanels = core.keyPanels + keyBytes;
      if (isNew) {
        run.kernels.pack_nt_i16(k + column, ldk, size, rows, core.keyPanels);
        run.kernels.pack_nn_i16(v + column, ldk, rows, size, core.valuePanels);
      }
      core.forwardHead(run, input.q + column, input.ldq, this.probabilities, out + column);
    }
    this.others.add(core.shape);
  }

  private forwardSpan(
    run: Run,
    core: AttentionCore,
    span: Span,
    input: AttentionInput,
    out: Pointer,
  ): void {
    const { at, keyBytes, valueBytes } = this.placeOf(core);
    const { channels, heads } = core.shape;
    const { slot, first, count, past } = span;
    const size = channels / heads;
    core.resize(count, past + count);
    core.valueStride = this.stride;
    for (let head = 0; head < heads; head++) {
      const keys = at + (slot * heads + head) * (keyBytes + valueBytes);
      const values = keys + keyBytes;
      const column = head * size * 2;
      const own = { ...input, k: input.k + column, v: input.v + column };
      this.pack(run, own, span, { keys, values, size });
      core.keyPanels = keys;
      core.valuePanels = values;
      const q = input.q + first * input.ldq * 2 + column;
      core.forwardHead(run, q, input.ldq, this.probabilities, out + first * channels * 2 + column);
    }
  }

  /** Puts the rows at hand of one head behind those that are kept. */
  private pack(
    { int16 }: Run,
    { k, v, ldk }: AttentionInput,
    { first, count, past }: Span,
    { keys, values, size }: { keys: Pointer; values: Pointer; size: number },
  ): void {
    const stride = panelStride(size);
    const valueStride = this.stride;
    for (let r = 0; r < count; r++) {
      const t = past + r;
      const fromKey = k / 2 + (first + r) * ldk;
      const fromValue = v / 2 + (first + r) * ldk;
      const toKey = (keys + (t >> 4) * stride) / 2 + 2 * (t & 15);
      const toValue = (values + (t >> 1) * PAIR) / 2 + (t & 1);
      for (let d = 0; d < size; d++) {
        int16[toKey + (d >> 1) * (PAIR / 2) + (d & 1)] = int16[fromKey + d];
        int16[toValue + ((d >> 4) * valueStride) / 2 + 2 * (d & 15)] = int16[fromValue + d];
      }
    }
  }
}

// Choosing a token in plain float64, in the order of transformers: repetition penalty, temperature,
// top-k, top-p, min-p, and the inverse of the cumulative distribution, in the order of the tokens'
// numbers. It says too when a border is so near that integers may choose otherwise.

import type { SamplingOptions } from '../../src/generate/sampling.ts';

/** What a weight may be off by in integers (docs/generation.md): of itself, and of the most likely
 *  token's. */
export const RELATIVE = 2 ** -14;
export const STEP = 2 ** -30;
/** What top-p and min-p may be, and the penalty, relatively: all are rounded to 2^-16. */
const SHARE = 2 ** -17;

/** A row of logits, and what decides beside the options. */
export interface Draw {
  readonly logits: readonly number[];
  /** Tokens that were there. */
  readonly seen: readonly number[];
  /** A uint32. */
  readonly random: number;
}

/** A choice. */
export interface PlainChoice {
  readonly token: number;
  /** Of every token, after all options. */
  readonly probabilities: readonly number[];
  /** Whether a border is nearer than what the integers leave open. */
  readonly isNear: boolean;
}

interface Token {
  readonly id: number;
  readonly logit: number;
  readonly weight: number;
  readonly isPenalised: boolean;
}

/** The tokens, most likely first. */
function ranked({ logits, seen }: Draw, options: SamplingOptions): Token[] {
  const { temperature = 1, repetitionPenalty: r = 1 } = options;
  const penalised = logits.map((logit, id) => {
    if (!seen.includes(id)) return logit;
    return logit > 0 ? logit / r : logit * r;
  });
  const largest = Math.max(...penalised);
  return penalised
    .map((logit, id) => ({
      id,
      logit,
      weight: Math.exp((logit - largest) / temperature),
      isPenalised: r !== 1 && seen.includes(id),
    }))
    .sort((a, b) => b.logit - a.logit || a.id - b.id);
}

/** What is left of tokens, most likely first, and whether something near was decided. */
class Kept {
  isNear = false;

  constructor(
    public tokens: readonly Token[],
    /** What a weight is off by, relatively, and what a token's logit is. */
    private readonly relative: number,
    private readonly rounded: (token: Token) => number,
  ) {}

  get sum(): number {
    return this.tokens.reduce((n, { weight }) => n + weight, 0);
  }

  /** Notes a border at such a distance. */
  look(distance: number, open: number): void {
    this.isNear ||= Math.abs(distance) < open;
  }

  /** Notes a border at a distance from a share of the sum, whose parts are off. */
  lookAtShare(share: number, border: number, more: number): void {
    const sums = this.tokens.length * STEP;
    this.look(share - border, 2 * this.relative * share * (1 - share) + sums + more);
  }

  /** Leaves the first `count` tokens. */
  first(count: number): void {
    const [last, next] = [this.tokens[count - 1], this.tokens[count]];
    if (next !== undefined)
      this.look(last.logit - next.logit, this.rounded(last) + this.rounded(next));
    this.tokens = this.tokens.slice(0, count);
  }

  topP(share: number): void {
    const { sum: total, tokens } = this;
    let sum = tokens[0].weight;
    let count = 1;
    for (const { weight } of tokens.slice(1)) {
      this.lookAtShare(sum / total, share, SHARE);
      if (sum < share * total) count++;
      sum += weight;
    }
    this.first(count);
  }

  minP(share: number): void {
    for (const { weight } of this.tokens)
      this.look(weight - share, this.relative * weight + STEP + SHARE);
    this.tokens = this.tokens.filter(({ weight }) => weight >= share);
  }

  /** The token in whose part of the sum a number of 0 .. 1 is. */
  at(share: number): number {
    const { sum: total } = this;
    let token = -1;
    let sum = 0;
    for (const { id, weight } of [...this.tokens].sort((a, b) => a.id - b.id)) {
      if (sum <= share) token = id;
      if (sum > 0) this.lookAtShare(sum, share, 2 ** -32);
      sum += weight / total;
    }
    return token;
  }
}

/** The choice, `fraction` being the fraction bits of the logits. */
export function plainChoice(draw: Draw, options: SamplingOptions, fraction: number): PlainChoice {
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
  const tokens = ranked(draw, options);
  const rounded = ({ logit, isPenalised }: Token): number =>
    isPenalised ? Math.abs(logit) * SHARE + 2 ** -fraction : 0;
  const relative = RELATIVE + (2 * Math.max(...tokens.map(rounded))) / temperature;
  const kept = new Kept(tokens, relative, rounded);
  if (topK > 0) kept.first(topK);
  if (topP < 1) kept.topP(topP);
  if (minP > 0) kept.minP(minP);
  const token = kept.at(draw.random / 2 ** 32);
  const { sum } = kept;
  const probabilities = draw.logits.map(() => 0);
  for (const { id, weight } of kept.tokens) probabilities[id] = weight / sum;
  return { token, probabilities, isNear: kept.isNear };
}

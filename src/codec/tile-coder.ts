// An image of a flow's own size as symbols: each element has a place among whole frequencies, which
// its prior says. A decoder knows the last image's prior from the beginning, and that of what has
// left by a split from all that stayed; so the priors come from the last to the first. An element
// that is in no bin but the first escapes: the first bin, and then the number's 32 bits.

import {
  type FlowLayer,
  FlowRunner,
  type NamedWeights,
  type Prior,
  PriorElement,
} from '../index.ts';
import { BINS } from '../ops/logistic.ts';
import { CodecError } from './errors.ts';
import { TOTAL } from './range-coder.ts';
import type { SymbolSource } from './strict-decoder.ts';

/** The bin of all elements that are in none. */
const ESCAPE = 0;
/** Size of each of 2^16 numbers in a table, and of each of 2^8. */
const OF_16_BITS = TOTAL / 2 ** 16;
const OF_8_BITS = TOTAL / 2 ** 8;
/** A byte p is p - 128 in a flow. */
const GREY = 128;

/** Puts a place into some table. */
export type Put = (start: number, size: number) => void;

/** A symbol of so many that are alike. */
function readEven(decoder: SymbolSource, size: number): number {
  const symbol = Math.floor(decoder.target() / size);
  decoder.skip(symbol * size, size);
  return symbol;
}

/** A byte without a model. */
export const putByte = (put: Put, byte: number): void => put(byte * OF_8_BITS, OF_8_BITS);
export const readByte = (decoder: SymbolSource): number => readEven(decoder, OF_8_BITS);

/** A prior, what computes its elements, and where its numbers are behind the image's. */
interface Known {
  readonly prior: Prior;
  readonly element: PriorElement;
  readonly at: number;
}

export class TileCoder {
  /** Bytes of memory in use. */
  readonly bytes: number;
  private readonly runner: FlowRunner;
  /** From the last one to the first. */
  private readonly priors: readonly Known[];
  private readonly size: number;

  constructor(flows: FlowLayer, tensors: readonly NamedWeights[]) {
    const { width, height, channels, fraction } = flows.shape;
    this.size = width * height * channels;
    this.runner = new FlowRunner(flows, tensors);
    this.bytes = this.runner.bytes;
    let next = this.size;
    const priors = flows.priors.map((prior) => {
      const at = next;
      const { rows, columns, components } = prior;
      next += rows * columns * components * (components > 1 ? 3 : 2);
      return { prior, element: new PriorElement(prior, fraction), at };
    });
    this.priors = priors.reverse();
  }

  /** Puts an image's bytes, in the order in which they are decoded. */
  encode(pixels: Uint8Array, put: Put): void {
    const numbers = Int32Array.from(pixels, (byte) => byte - GREY);
    const coded = this.runner.forward(numbers);
    for (const { prior, element, at } of this.priors)
      for (let i = 0; i < prior.rows * prior.columns; i++) {
        element.move(coded, at, i);
        putElement(element, coded[prior.first + i], put);
      }
  }

  /** An image's bytes. Throws CodecError (truncated; damaged: it is none). */
  decode(decoder: SymbolSource): Uint8Array {
    const known = this.priors.values();
    const numbers = this.runner.inverse(new Int32Array(this.size), (_, said, elements) => {
      const { element } = known.next().value as Known;
      for (let i = 0; i < elements.length; i++) {
        element.move(said, 0, i);
        elements[i] = readElement(element, decoder);
      }
    });
    return Uint8Array.from(numbers, (number) => {
      if (number < -GREY || number >= GREY)
        throw new CodecError('damaged', 'an image of the archive has a number that is no byte');
      return number + GREY;
    });
  }
}

/** Whether a bin has a symbol of its own. */
const isBin = (bin: number): boolean => bin > ESCAPE && bin < BINS;

function putElement(element: PriorElement, raw: number, put: Put): void {
  const bin = element.binOf(raw);
  const symbol = isBin(bin) ? bin : ESCAPE;
  const start = element.start(symbol);
  put(start, element.start(symbol + 1) - start);
  if (symbol !== ESCAPE) return;
  for (const half of [raw >>> 16, raw & 0xffff]) put(half * OF_16_BITS, OF_16_BITS);
}

function readElement(element: PriorElement, decoder: SymbolSource): number {
  const target = decoder.target();
  // start(low) <= target < start(high)
  let low = 0;
  for (let high = BINS; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if (element.start(middle) <= target) low = middle;
    else high = middle;
  }
  const start = element.start(low);
  decoder.skip(start, element.start(low + 1) - start);
  if (low !== ESCAPE) return element.rawOf(low);
  const raw = (readEven(decoder, OF_16_BITS) << 16) | readEven(decoder, OF_16_BITS);
  if (isBin(element.binOf(raw)))
    throw new CodecError('damaged', 'a number of the archive escapes without need');
  return raw;
}

// A range decoder that codes again what it decodes, and compares: bytes that no encoder wrote are
// refused.

import { CodecError } from './errors.ts';
import { RangeDecoder, RangeEncoder } from './range-coder.ts';

/** What symbols are decoded from. */
export type SymbolSource = Pick<RangeDecoder, 'target' | 'skip'>;

export class StrictDecoder implements SymbolSource {
  private readonly decoder: RangeDecoder;
  private readonly encoder = new RangeEncoder();

  constructor(private readonly coded: Uint8Array) {
    this.decoder = new RangeDecoder(coded);
  }

  target(): number {
    return this.decoder.target();
  }

  skip(start: number, size: number): void {
    this.decoder.skip(start, size);
    this.encoder.put(start, size);
  }

  /** Throws CodecError (truncated, trailing, damaged) unless an encoder wrote just these bytes. */
  finish(): void {
    const { coded } = this;
    this.decoder.finish();
    const written = this.encoder.finish();
    if (written.length !== coded.length || written.some((byte, i) => byte !== coded[i]))
      throw new CodecError('damaged', 'no encoder wrote these bytes: they were changed');
  }
}

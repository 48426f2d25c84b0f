// Numbers as files keep them: float32, float16 and bfloat16, little-endian. Each becomes the double
// that it is exactly.

import { CheckpointError } from '../core/errors.ts';

/** Bytes an element of every type that the safetensors format knows. */
export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

/** Types whose numbers are read. */
export const READABLE: readonly string[] = ['F32', 'F16', 'BF16'];

/** A float16 (IEEE 754 binary16) of its 16 bits. */
export function float16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Reads one element at a byte. */
function reader(view: DataView, dtype: string): (at: number) => number {
  if (dtype === 'F32') return (at) => view.getFloat32(at, true);
  if (dtype === 'F16') return (at) => float16(view.getUint16(at, true));
  const bits = new DataView(new ArrayBuffer(4));
  return (at) => {
    bits.setUint32(0, view.getUint16(at, true) * 2 ** 16);
    return bits.getFloat32(0);
  };
}

/** The numbers of some bytes of a tensor, of which `first` is the place of the first. Throws
 *  CheckpointError for the first one that is not finite, by name and place. */
export function toNumbers(
  bytes: Uint8Array,
  dtype: string,
  name: string,
  first: number,
): Float64Array {
  const each = ELEMENT_BYTES[dtype];
  const read = reader(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), dtype);
  const numbers = new Float64Array(bytes.length / each);
  for (let i = 0; i < numbers.length; i++) {
    const value = read(i * each);
    if (!Number.isFinite(value))
      throw new CheckpointError(
        `tensor ${JSON.stringify(name)} has ${value} at ${first + i}, expected finite numbers`,
        'a run that diverged leaves such weights; take an earlier checkpoint',
      );
    numbers[i] = value;
  }
  return numbers;
}

// Protocol buffers, as far as ONNX files need them: messages as lists of parts, so that the bytes
// of weights are made only when they are written.

import type { Values } from './values.ts';

/** Bytes, or numbers whose bytes are made later. */
export type Part = Uint8Array<ArrayBuffer> | Values;

/** Wire types of the format. */
const VARINT = 0;
const DELIMITED = 2;
const FIXED32 = 5;

/** A whole number of 64 bits, a group of seven bits a byte, the lowest first. */
function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

const tag = (field: number, wire: number): number[] => varint((field << 3) | wire);

/** Bytes of a part. */
export const sizeOf = (part: Part): number => ('size' in part ? 4 * part.size : part.length);

/** A whole number as a field. */
export const int = (field: number, value: number): Part[] => [
  Uint8Array.from([...tag(field, VARINT), ...varint(value)]),
];

/** A float32 as a field. */
export function float(field: number, value: number): Part[] {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return [Uint8Array.from([...tag(field, FIXED32), ...bytes])];
}

/** A message, or bytes, as a field. */
export function message(field: number, ...parts: readonly Part[]): Part[] {
  const size = parts.reduce((sum, part) => sum + sizeOf(part), 0);
  return [Uint8Array.from([...tag(field, DELIMITED), ...varint(size)]), ...parts];
}

/** A text as a field. */
export const string = (field: number, value: string): Part[] =>
  message(field, new TextEncoder().encode(value));

// Typed arrays and their little-endian bytes. A file is little-endian whatever the machine is.
// Copies are made with `new Uint8Array(bytes)`, never with slice(), which on Node's Buffer is a
// view.

const isLittleEndian = (): boolean => new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Reverses every group of four bytes. */
function swap32(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i += 4) bytes.subarray(i, i + 4).reverse();
  return bytes;
}

/** 32-bit elements as little-endian bytes: a view of them where the machine is little-endian
 *  itself, else a copy. */
export function toLittleEndian(elements: Int32Array | Float32Array): Uint8Array {
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return isLittleEndian() ? bytes : swap32(new Uint8Array(bytes));
}

/** Little-endian bytes, a multiple of four, as int32: a view of them where the machine is
 *  little-endian itself and they are aligned, else a copy. */
export function int32FromLittleEndian(bytes: Uint8Array): Int32Array {
  if (isLittleEndian() && bytes.byteOffset % 4 === 0)
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const copy = new Uint8Array(bytes);
  return new Int32Array((isLittleEndian() ? copy : swap32(copy)).buffer);
}

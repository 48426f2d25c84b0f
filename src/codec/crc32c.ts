// CRC-32C (Castagnoli 1993; RFC 3720, appendix B.4): polynomial 0x1edc6f41, bits reversed.

const POLYNOMIAL = 0x82f63b78;
let table: Int32Array | undefined;

function makeTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let i = 0; i < 8; i++) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    return value;
  });
}

/** The CRC-32C of bytes, 0 .. 2^32 - 1; `before`: that of the bytes in front of them. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  table ??= makeTable();
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ table[(value ^ bytes[i]) & 255];
  return ~value >>> 0;
}

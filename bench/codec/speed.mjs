// How fast the range coder is on a table that is known, and how long what it writes is.

import { FrequencyTable, RangeDecoder, RangeEncoder, TOTAL } from '../../dist/codec.js';
import { draws } from './messages.mjs';

const BYTES = 2 ** 22;
const ROUNDS = 5;

const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Best of some rounds, MB/s of bytes that are about 5 bits each. */
export function measureCoder() {
  const counts = Array.from({ length: 256 }, (_, i) => 1 + Math.floor(10_000 / (i + 1)));
  const table = FrequencyTable.fromCounts(counts);
  const { below } = draws(1);
  const symbols = Uint8Array.from({ length: BYTES }, () => table.symbolAt(below(TOTAL)));
  const bits = symbols.reduce((sum, s) => sum - Math.log2(table.size(s) / TOTAL), 0);
  let coded = new Uint8Array(0);
  let [encoding, decoding] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    let before = seconds();
    const encoder = new RangeEncoder();
    for (let i = 0; i < BYTES; i++) table.encode(encoder, symbols[i]);
    coded = encoder.finish();
    encoding = Math.min(encoding, seconds() - before);
    before = seconds();
    const decoder = new RangeDecoder(coded);
    for (let i = 0; i < BYTES; i++)
      if (table.decode(decoder) !== symbols[i]) throw new Error(`symbol ${i} came back changed`);
    decoding = Math.min(decoding, seconds() - before);
  }
  const rate = (time) => BYTES / time / 1e6;
  return {
    symbols: BYTES,
    bytes: coded.length,
    theory: bits / 8,
    encode: rate(encoding),
    decode: rate(decoding),
  };
}

// SHA-256 (FIPS 180-4) and hexadecimal digits, the only ones of the library. Synchronous and the
// same code everywhere: WebCrypto is missing on a page that came by plain http and in small
// runtimes, takes 2^31 - 1 bytes at most, and who waits for it must first copy the bytes, as they
// could change. Some 200 MB/s where JavaScript is compiled.

import { typed } from './check.ts';

/** Bytes gathered before they are digested: whole blocks of 64. */
const BUFFER_BYTES = 4096;

const PRIMES = /* @__PURE__ */ firstPrimes(64);
/** 32 bits of the fractional parts of the primes' cube roots, and of the first eight's square
 *  roots. No cube root is within 2^-38 of where a last bit changes; an engine's are right to 2^-48.
 */
const ROUNDS = /* @__PURE__ */ fractions(PRIMES.map(Math.cbrt));
const START = /* @__PURE__ */ fractions(PRIMES.slice(0, 8).map(Math.sqrt));

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((p) => n % p > 0)) primes.push(n);
  }
  return primes;
}

function fractions(roots: readonly number[]): Int32Array {
  return Int32Array.from(roots, (root) => (root % 1) * 2 ** 32);
}

const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** Takes in the 64 bytes at `at`; `w` has room for 64 words. The state's elements by index:
 *  taking it apart halves the speed. */
function compress(state: Int32Array, w: Int32Array, view: DataView, at: number): void {
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i++) {
    if (i < 16) w[i] = view.getInt32(at + 4 * i);
    else {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t = (h + s1 + (g ^ (e & (f ^ g))) + ROUNDS[i] + w[i]) | 0;
    const u = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t) | 0;
    d = c;
    c = b;
    b = a;
    a = (t + u) | 0;
  }
  const words = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) state[i] += words[i];
}

/** The 32 bytes of the SHA-256 of the parts, one after the other. */
export function sha256(parts: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const state = START.slice();
  const w = new Int32Array(64);
  const buffer = new Uint8Array(BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  let used = 0;
  let total = 0;
  const compressAll = (): void => {
    for (let at = 0; at < used; at += 64) compress(state, w, view, at);
    used = 0;
  };
  const take = (part: Uint8Array): void => {
    total += part.length;
    for (let at = 0; at < part.length; ) {
      const some = part.subarray(at, at + BUFFER_BYTES - used);
      buffer.set(some, used);
      at += some.length;
      used += some.length;
      if (used === BUFFER_BYTES) compressAll();
    }
  };
  for (const part of parts) take(part);
  const end = new DataView(new ArrayBuffer(72 - ((total + 8) % 64)));
  end.setUint8(0, 0x80);
  end.setBigUint64(end.byteLength - 8, BigInt(total) * 8n);
  take(new Uint8Array(end.buffer));
  compressAll();
  for (let i = 0; i < 8; i++) view.setInt32(4 * i, state[i]);
  return buffer.slice(0, 32);
}

/** Two lower-case digits a byte. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes of pairs of hexadecimal digits. */
export const unhex = (digits: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(digits.match(/[\da-f]{2}/g) ?? [], (byte) => Number.parseInt(byte, 16));

/** SHA-256 as 64 lower-case hex digits.
 *  @example
 *  const digest = await sha256Hex(new TextEncoder().encode('abc'));
 *  console.log(digest.slice(0, 16), digest.length); // ba7816bf8f01cfea 64
 */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return hex(sha256([typed('bytes', bytes, 'Uint8Array')]));
}

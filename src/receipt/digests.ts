// Digests of what a trainer holds. Where the runtime digests by itself (WebCrypto), it does so
// beside the steps that follow: it takes a copy of the bytes as they are when it is asked. Others
// may be given that copy for less (Sha256).

import { hex, sha256 } from '../core/digest.ts';
import { isWeight, type NamedTensor, type Trainer } from '../index.ts';
import { WEIGHT_GRADIENT_FRACTION } from '../memory/formats.ts';

/** Digests bytes beside the steps that follow: SHA-256 of the parts, one after the other, as they
 *  are when it is called, before it returns its promise: 64 hex digits. */
export type Sha256 = (parts: readonly Uint8Array[]) => Promise<string>;

/** WebCrypto digests no more bytes at once. */
const MOST_NATIVE = 2 ** 31 - 1;

type Numbers = Int32Array | BigInt64Array;

/** The bytes of numbers, of a little-endian machine. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The parts as one in memory that no thread shares; a part that is such is itself. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = parts;
  const isOwn = String(first.buffer) === '[object ArrayBuffer]';
  if (parts.length === 1 && isOwn) return first as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** SHA-256 by the runtime where it has WebCrypto. */
export const webSha256: Sha256 = async (parts) => {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const { crypto } = globalThis as { crypto?: Crypto };
  if (crypto?.subtle === undefined || size > MOST_NATIVE) return hex(sha256(parts));
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', joined(parts))));
};

/** The parts with those as one that follow each other in memory, as weights mostly do: they need
 *  not be copied to be joined. */
function merged(parts: readonly Uint8Array[]): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    const isNext =
      last?.buffer === part.buffer && last.byteOffset + last.length === part.byteOffset;
    if (last === undefined || !isNext) all.push(part);
    else
      all[all.length - 1] = new Uint8Array(part.buffer, last.byteOffset, last.length + part.length);
  }
  return all;
}

/** Of the weights: what `Trainer.weightsSha256` gives. */
export const digestWeights = (tensors: readonly NamedTensor[], digest: Sha256): Promise<string> =>
  digest(merged(tensors.filter(isWeight).map(({ data }) => bytesOf(data))));

/** The digest of numbers, a space and their fraction bits. */
export const leaf = async (data: Numbers, fraction: number, digest: Sha256): Promise<string> =>
  `${await digest([bytesOf(data)])} ${fraction}`;

/** Of each tensor of the state its digest, a space and its fraction bits. */
export const stateLeaves = (tensors: readonly NamedTensor[], digest: Sha256): Promise<string[]> =>
  Promise.all(tensors.map(({ data, fraction }) => leaf(data, fraction, digest)));

/** The same of the gradients that the last step had. */
export const gradientLeaves = <Batch>(
  trainer: Trainer<Batch>,
  names: readonly string[],
  digest: Sha256,
): Promise<string[]> =>
  Promise.all(names.map((name) => leaf(trainer.gradient(name), WEIGHT_GRADIENT_FRACTION, digest)));

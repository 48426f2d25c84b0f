// A receipt as text: a line of JSON for the run and one for each step, each with the SHA-256 of
// all that is before it. There is one text for one value, and nothing in it depends on the machine.

import { hex, sha256 } from '../core/digest.ts';

/** The version of the format that this library writes; a reader refuses a later one. */
export const RECEIPT_FORMAT = 1;

/** Where a run, or the part of it that a receipt is of, begins. */
export interface ReceiptStart {
  /** Steps done before. */
  readonly step: number;
  /** False: with the weights that the seed gives. True: with others, whose origin the receipt does
   *  not tell. */
  readonly imported: boolean;
  /** SHA-256 of the weights, as `Trainer.weightsSha256` gives it. */
  readonly weights: string;
  /** Digest of the whole state: weights and what the optimizer keeps. */
  readonly state: string;
}

/** What decides the bits of a run. */
export interface ReceiptHeader {
  /** Version of the format. */
  readonly receipt: number;
  /** Version of the library that wrote it. */
  readonly library: string;
  /** Digest of the known answers of all kernels (`verify`): what the kernels compute. */
  readonly kernels: string;
  /** The run's options as a checkpoint has them, but for those that change no bit. */
  readonly options: { readonly [name: string]: unknown };
  /** SHA-256 of the training data, 64 hex digits. */
  readonly data: string;
  /** What the model's numbers stand for, as JSON; a checkpoint has the same. */
  readonly vocabulary: unknown;
  /** Where it begins. */
  readonly start: ReceiptStart;
  /** Steps between two digests of the whole state. */
  readonly every: number;
  /** Of a run with rounds of local steps: the steps of one, where they are more than one. Each line
   *  is then of a round. */
  readonly round?: number;
  /** Of a full receipt: the names of all tensors of the state, in order. */
  readonly tensors?: readonly string[];
  /** Of a full receipt: the names of the weights that have a gradient, in order. */
  readonly gradients?: readonly string[];
}

/** What a step, or a round, did. */
export interface ReceiptLine {
  /** Steps done, this one included. */
  readonly step: number;
  /** Predictions that the loss is the sum of. */
  readonly predictions: number;
  /** The summed loss before the update, or each one of a round, an integer of 16 fraction bits. */
  readonly loss: number;
  /** Digest of all gradients: of a round, the sum over its shards of weights before less after. */
  readonly gradients: string;
  /** SHA-256 of the weights after the step, as `Trainer.weightsSha256` gives it. */
  readonly weights: string;
  /** Digest of the whole state after the step: at every `every`th step, at the last one, and at
   *  all of a full receipt. */
  readonly state?: string;
  /** Of a full receipt: of each gradient its SHA-256, a space and its fraction bits. */
  readonly gradientTensors?: readonly string[];
  /** Of a full receipt: of each tensor of the state its SHA-256, a space and its fraction bits. */
  readonly stateTensors?: readonly string[];
}

/** Which line is that of a step: 1 for the first after the header, 0 for where the receipt begins;
 *  no whole number for a step within a round. */
export const lineOf = ({ start, round = 1 }: ReceiptHeader, step: number): number =>
  (step - start.step) / round;

/** What comes before the digest in a line. */
const SEAL = ',"chain":"';
const SEAL_LENGTH = SEAL.length + 64 + '"}'.length;

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The digest of a line, given that of the line before it ('' if there is none). */
export const chainOf = (previous: string, body: string): string =>
  hex(sha256([utf8(previous + body)]));

/** A value as a line of a receipt, without its line feed, and its digest. */
export function sealLine(previous: string, value: object): { text: string; seal: string } {
  const body = JSON.stringify(value);
  const seal = chainOf(previous, body);
  return { text: `${body.slice(0, -1)}${SEAL}${seal}"}`, seal };
}

/** The parts of a sealed line; undefined if it has none. */
export function unsealLine(text: string): { body: string; seal: string } | undefined {
  const at = text.length - SEAL_LENGTH;
  const seal = text.slice(at + SEAL.length, -2);
  if (at < 1 || !text.startsWith(SEAL, at) || !isDigest(seal) || !text.endsWith('"}'))
    return undefined;
  return { body: `${text.slice(0, at)}}`, seal };
}

/** 64 lower-case hex digits. */
export const isDigest = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** The digest of several tensors: SHA-256 of a line `digest fraction name` for each. */
export const rootOf = (names: readonly string[], leaves: readonly string[]): string =>
  hex(sha256([utf8(leaves.map((leaf, i) => `${leaf} ${names[i]}\n`).join(''))]));

/** Whether the line of a step has the digest of the whole state. */
export const hasState = (
  { every, options, tensors }: Pick<ReceiptHeader, 'every' | 'options' | 'tensors'>,
  step: number,
): boolean => tensors !== undefined || step % every === 0 || step === options.steps;

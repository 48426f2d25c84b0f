// retrograd receipt verify, sign, keygen: a receipt's chain and format, and signatures of it.

import * as fs from 'node:fs';
import { quote } from '../argv.ts';
import { count, table } from '../format.ts';
import {
  createReceiptKeys,
  type Receipt,
  readReceipt,
  signReceipt,
  UsageError,
  verifySignature,
} from '../library.ts';
import { print, printJson } from '../reporters.ts';
import { reason } from '../system-errors.ts';
import { about, readReceiptFile } from './run-receipt.ts';

/** What nobody should take from a receipt. */
export const NOT_PROVED =
  'A receipt proves that these weights follow from these data and options. It does not prove ' +
  'that the run was the only one (seeds may have been tried), that imported weights or the data ' +
  'are what they are called, or who trained, when, and with how much effort.';

/** Values of the commands. */
export interface ReceiptValues {
  key?: string;
  signature?: string;
  out?: string;
  json?: boolean;
}

function readWords(flag: string, path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag} ${quote(path)} ${reason(error)}, expected a file to read`);
  }
}

/** Writes a file that is not there yet. */
export function writeNew(path: string, words: string, mode = 0o666): void {
  try {
    fs.writeFileSync(path, words, { flag: 'wx', mode });
  } catch (error) {
    throw new UsageError(`${quote(path)} ${reason(error)}, expected a new file`, 'choose another');
  }
}

const envelopePath = (path: string): string => `${path}.dsse.json`;

/** What a receipt is of, in rows: where it begins comes first. */
export function rowsOf({ header, lines, seals, torn }: Receipt): [string, string][] {
  const { start, options, library, every, tensors } = header;
  const from = start.imported
    ? `imported weights, SHA-256 ${start.weights}`
    : `the weights of seed ${options.seed}`;
  const last = lines.at(-1) ?? start;
  return [
    ['begins with', `${from}${start.step === 0 ? '' : `, after step ${count(start.step)}`}`],
    ['steps', `${count(start.step)} to ${count(last.step)} of ${count(Number(options.steps))}`],
    ['model', String(Object(options.model).name)],
    ['data', `SHA-256 ${header.data}`],
    ['weights', `SHA-256 ${last.weights}`],
    ['state', tensors === undefined ? `every ${count(every)} steps` : 'every step, each tensor'],
    ['chain', seals[seals.length - 1]],
    ['library', library],
    ...(torn ? ([['cut', 'the last line is not whole: a run was killed']] as const) : []),
  ] as [string, string][];
}

/** Returns the exit code. */
export async function verifyReceipt(path: string, values: ReceiptValues): Promise<number> {
  const { key, signature = envelopePath(path), json } = values;
  const file = readReceiptFile(path);
  const receipt = await about(path, () => readReceipt(file));
  if (key !== undefined) {
    const envelope = readWords('--signature', signature);
    await about(signature, () => verifySignature(file, envelope, readWords('--key', key)));
  }
  const { header, lines, seals, torn } = receipt;
  const { step, weights } = lines.at(-1) ?? header.start;
  if (json === true) {
    const { vocabulary: _, tensors, gradients: _names, ...rest } = header;
    const end = { step, weights, chain: seals.at(-1), torn, full: tensors !== undefined };
    printJson({ event: 'receipt', ...rest, ...end, signed: key !== undefined });
    return 0;
  }
  print(table(rowsOf(receipt)));
  print(`options     ${JSON.stringify(header.options)}`);
  const signed = key === undefined ? '' : ', and signed with this key';
  print(`\nThe receipt is whole in itself${signed}. Whether a run gives it: retrograd audit.`);
  print(NOT_PROVED);
  return 0;
}

/** Returns the exit code. */
export async function signFile(path: string, values: ReceiptValues): Promise<number> {
  const { key, out = envelopePath(path), json } = values;
  if (key === undefined)
    throw new UsageError('--key is missing, expected a private key', 'retrograd receipt keygen');
  const file = readReceiptFile(path);
  const envelope = await about(path, () => signReceipt(file, readWords('--key', key)));
  writeNew(out, envelope);
  if (json === true) printJson({ event: 'signed', file: out });
  else print(`signed: ${quote(out)}`);
  return 0;
}

/** Returns the exit code. */
export async function makeKeys(path: string, { json }: ReceiptValues): Promise<number> {
  const { privateKey, publicKey } = await createReceiptKeys();
  writeNew(path, privateKey, 0o600);
  writeNew(`${path}.pub`, publicKey);
  if (json === true) printJson({ event: 'keys', privateKey: path, publicKey: `${path}.pub` });
  else print(`${quote(path)} signs: keep it secret; ${quote(`${path}.pub`)} verifies: publish it`);
  return 0;
}

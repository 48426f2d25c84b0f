// Signed receipts: an in-toto Statement v1 in a DSSE v1 envelope, signed with ECDSA over P-256 and
// SHA-256 by the runtime's WebCrypto. The signature is over bytes, so no JSON has to be canonical;
// it is in DER, as OpenSSL and the tools of in-toto have it.
// https://github.com/in-toto/attestation, https://github.com/secure-systems-lab/dsse

import { text } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { hex, sha256 } from '../core/digest.ts';
import { RetrogradError, UsageError } from '../core/errors.ts';
import { base64 } from './base64.ts';
import { ReceiptError } from './errors.ts';
import { utf8 } from './format.ts';
import { lastStep, type Receipt, readReceipt } from './read.ts';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** What the predicate is of: a name, and not an address that has to answer. */
const PREDICATE_TYPE = 'urn:retrograd:receipt:1';
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };
/** Bytes of each of the two numbers of a signature. */
const HALF = 32;

/** Keys as PEM. */
export interface ReceiptKeys {
  /** PKCS #8: who has it can sign. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo: who has it can verify. */
  readonly publicKey: string;
}

function subtle(): SubtleCrypto {
  const { crypto } = globalThis as { crypto?: Crypto };
  if (crypto?.subtle !== undefined) return crypto.subtle;
  throw new RetrogradError(
    'this runtime has no WebCrypto to sign with',
    'a page has it where it is loaded by https',
  );
}

/** The bytes of base64. Throws ReceiptError. */
function unbase64(what: string, given: unknown): Uint8Array<ArrayBuffer> {
  try {
    const bytes = Uint8Array.from(atob(given as string), (c) => c.charCodeAt(0));
    if (base64(bytes) === given) return bytes;
  } catch {}
  throw new ReceiptError(`${what} is not base64`);
}

const pem = (label: string, bytes: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n` +
  `${base64(new Uint8Array(bytes)).replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

/** The bytes of a PEM block with this label. Throws UsageError. */
function unpem(label: string, given: string): Uint8Array<ArrayBuffer> {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`);
  const [, body] = block.exec(given) ?? [];
  try {
    return unbase64('the key', body.replace(/\s/g, ''));
  } catch {
    throw new UsageError(
      `the key has no PEM block ${label}, expected one`,
      'make keys with createReceiptKeys, or openssl ecparam -name prime256v1',
    );
  }
}

async function importKey(
  format: 'pkcs8' | 'spki',
  given: string,
  use: KeyUsage,
): Promise<CryptoKey> {
  const label = format === 'pkcs8' ? 'PRIVATE KEY' : 'PUBLIC KEY';
  const bytes = unpem(label, text('key', given));
  try {
    return await subtle().importKey(format, bytes, CURVE, true, [use]);
  } catch (error) {
    if (error instanceof RetrogradError) throw error;
    throw new UsageError(`the ${label.toLowerCase()} is not one of ECDSA over P-256`);
  }
}

/** New keys. Throws RetrogradError where the runtime has no WebCrypto.
 *  @example
 *  const { privateKey, publicKey } = await createReceiptKeys();
 *  console.log(privateKey.split('\n')[0]); // -----BEGIN PRIVATE KEY-----
 *  console.log(publicKey.split('\n')[0]); // -----BEGIN PUBLIC KEY-----
 */
export async function createReceiptKeys(): Promise<ReceiptKeys> {
  const pair = await subtle().generateKey(CURVE, true, ['sign', 'verify']);
  const [secret, open] = await Promise.all([
    subtle().exportKey('pkcs8', pair.privateKey),
    subtle().exportKey('spki', pair.publicKey),
  ]);
  return { privateKey: pem('PRIVATE KEY', secret), publicKey: pem('PUBLIC KEY', open) };
}

// ---- signatures in DER: SEQUENCE { INTEGER r, INTEGER s } ---------------------------------------

function integer(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((byte) => byte > 0);
  const digits = Array.from(bytes.subarray(first < 0 ? bytes.length - 1 : first));
  if (digits[0] > 127) digits.unshift(0);
  return [2, digits.length, ...digits];
}

function toDer(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = [...integer(raw.subarray(0, HALF)), ...integer(raw.subarray(HALF))];
  return Uint8Array.of(0x30, body.length, ...body);
}

/** The opposite; undefined for what toDer does not make. */
function fromDer(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const raw = new Uint8Array(2 * HALF);
  let at = 2;
  for (let end = HALF; end <= 2 * HALF; end += HALF) {
    const length = der[at + 1];
    const digits = der.subarray(at + 2, at + 2 + length);
    const tail = digits.subarray(Math.max(0, digits.length - HALF));
    raw.set(tail, end - tail.length);
    at += 2 + length;
  }
  return hex(toDer(raw)) === hex(der) ? raw : undefined;
}

// ---- statement and envelope ---------------------------------------------------------------------

/** The bytes that are signed: DSSE's pre-authentication encoding. */
function encoding(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const all = new Uint8Array(head.length + payload.length);
  all.set(head);
  all.set(payload, head.length);
  return all;
}

/** What is stated of a receipt. */
function statementOf(file: Uint8Array, receipt: Receipt): object {
  const { header, lines, seals } = receipt;
  const { vocabulary: _, tensors: _tensors, gradients: _gradients, ...about } = header;
  const { weights } = lines.at(-1) ?? header.start;
  return {
    _type: STATEMENT_TYPE,
    subject: [
      { name: 'receipt', digest: { sha256: hex(sha256([file])) } },
      { name: 'weights', digest: { sha256: weights } },
    ],
    predicateType: PREDICATE_TYPE,
    predicate: { header: about, step: lastStep(receipt), lastChain: seals[seals.length - 1] },
  };
}

/** A whole receipt: what is signed may not change any more. */
function readWhole(file: Uint8Array): Receipt {
  const receipt = readReceipt(file);
  if (receipt.torn) throw new ReceiptError('its last line is cut', 'resume the run, or cut it off');
  return receipt;
}

/** The envelope of a receipt's signature, as text. `privateKey`: PKCS #8 in PEM. Throws
 *  ReceiptError for a receipt that cannot be read or whose last line is cut, UsageError for what
 *  is no such key.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const { header } = await Recorder.begin(trainer, { dataSha256 });
 *  const file = new TextEncoder().encode(header);
 *  const { privateKey, publicKey } = await createReceiptKeys();
 *  const envelope = await signReceipt(file, privateKey);
 *  await verifySignature(file, envelope, publicKey); // or throws
 *  console.log(JSON.parse(envelope).payloadType); // application/vnd.in-toto+json
 */
export async function signReceipt(file: Uint8Array, privateKey: string): Promise<string> {
  const bytes = copyOf('file', file);
  const payload = utf8(JSON.stringify(statementOf(bytes, readWhole(bytes))));
  const key = await importKey('pkcs8', privateKey, 'sign');
  const raw = await subtle().sign(ALGORITHM, key, encoding(payload));
  const signatures = [{ sig: base64(toDer(new Uint8Array(raw))) }];
  const envelope = { payload: base64(payload), payloadType: PAYLOAD_TYPE, signatures };
  return `${JSON.stringify(envelope)}\n`;
}

/** The payload and the signatures of an envelope. */
function openEnvelope(given: string): { payload: Uint8Array; signatures: unknown[] } {
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    throw new ReceiptError('the envelope is not JSON');
  }
  const { payload, payloadType, signatures } = Object(value);
  if (payloadType !== PAYLOAD_TYPE)
    throw new ReceiptError(`the envelope is not of type ${PAYLOAD_TYPE}`);
  if (!Array.isArray(signatures)) throw new ReceiptError('the envelope has no signatures');
  return { payload: unbase64('the payload', payload), signatures };
}

async function isSigned(key: CryptoKey, payload: Uint8Array, one: unknown): Promise<boolean> {
  const raw = fromDer(unbase64('a signature', Object(one).sig));
  return raw !== undefined && subtle().verify(ALGORITHM, key, raw, encoding(payload));
}

/** Throws ReceiptError unless the envelope is signed with the key that `publicKey`
 *  (SubjectPublicKeyInfo in PEM) belongs to, and states just what the receipt says; UsageError for
 *  what is no such key.
 *  @example
 *  const { publicKey } = await createReceiptKeys();
 *  const error = await verifySignature(new Uint8Array(0), '{}', publicKey).catch((e) => e);
 *  console.log(error.message); // it has no whole line
 */
export async function verifySignature(
  file: Uint8Array,
  envelope: string,
  publicKey: string,
): Promise<void> {
  const bytes = copyOf('file', file);
  const receipt = readWhole(bytes);
  const { payload, signatures } = openEnvelope(text('envelope', envelope));
  const key = await importKey('spki', publicKey, 'verify');
  const found = await Promise.all(signatures.map((one) => isSigned(key, payload, one)));
  if (!found.includes(true)) throw new ReceiptError('no signature is of this key');
  const stated = new TextDecoder().decode(payload);
  if (stated !== JSON.stringify(statementOf(bytes, receipt)))
    throw new ReceiptError('what was signed is another receipt');
}

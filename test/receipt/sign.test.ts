// Signatures of receipts, beside OpenSSL's of Node.

import { createPrivateKey, createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.ts';
import {
  createReceiptKeys,
  cutReceipt,
  ReceiptError,
  signReceipt,
  verifySignature,
} from '../../src/receipt/index.ts';
import { bytesOf, receiptOf } from './small-run.ts';

const file = bytesOf(await receiptOf());
const { privateKey, publicKey } = await createReceiptKeys();
const TYPE = 'application/vnd.in-toto+json';
const encoding = (payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);

describe('a signed receipt', () => {
  test('is an in-toto statement in an envelope that OpenSSL verifies, 40 times', async () => {
    for (let i = 0; i < 40; i++) {
      const { payload, payloadType, signatures } = JSON.parse(await signReceipt(file, privateKey));
      expect(payloadType).toBe(TYPE);
      const body = Buffer.from(payload, 'base64');
      const verify = createVerify('sha256').update(encoding(body));
      expect(verify.verify(publicKey, signatures[0].sig, 'base64')).toBe(true);
      const statement = JSON.parse(body.toString());
      expect(statement._type).toBe('https://in-toto.io/Statement/v1');
      expect(statement.predicate).toMatchObject({ step: 8, header: { receipt: 1 } });
    }
  });

  test('may be signed by OpenSSL, with keys of its own', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const own = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string;
    const envelope = JSON.parse(await signReceipt(file, privateKey));
    const body = Buffer.from(envelope.payload, 'base64');
    for (let i = 0; i < 40; i++) {
      const sig = createSign('sha256').update(encoding(body)).sign(pair.privateKey, 'base64');
      const signed = JSON.stringify({ ...envelope, signatures: [{ keyid: 'a', sig }] });
      await verifySignature(file, signed, own);
    }
    expect(createPrivateKey(privateKey).asymmetricKeyType).toBe('ec');
  });

  test('is refused if key, receipt, payload or signature is another', async () => {
    const envelope = await signReceipt(file, privateKey);
    await verifySignature(file, envelope, publicKey);
    const other = await createReceiptKeys();
    const bad: [string, () => Promise<void>][] = [
      ['no signature is of this key', () => verifySignature(file, envelope, other.publicKey)],
      ['another receipt', () => verifySignature(cutReceipt(file, 7), envelope, publicKey)],
      ['is not JSON', () => verifySignature(file, envelope.slice(2), publicKey)],
      ['is not of type', () => verifySignature(file, envelope.replace('vnd', 'vmd'), publicKey)],
      ['last line is cut', () => verifySignature(file.subarray(0, -3), envelope, publicKey)],
    ];
    for (const [message, given] of bad) {
      await expect(given()).rejects.toThrow(ReceiptError);
      await expect(given()).rejects.toThrow(message);
    }
    const parsed = JSON.parse(envelope);
    for (const field of ['payload', 'sig']) {
      const whole = field === 'sig' ? parsed.signatures[0].sig : parsed.payload;
      const bytes = Buffer.from(whole, 'base64');
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 64)) {
        const spoilt = Buffer.from(bytes);
        spoilt[at] ^= 1 << (at % 8);
        const text = envelope.replace(whole, spoilt.toString('base64'));
        await expect(verifySignature(file, text, publicKey), `${at}`).rejects.toThrow(ReceiptError);
      }
    }
  });

  test('needs a key of its kind', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const pem = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    for (const key of ['', publicKey, pem, privateKey.slice(0, 60)])
      await expect(signReceipt(file, key)).rejects.toThrow(UsageError);
  });
});

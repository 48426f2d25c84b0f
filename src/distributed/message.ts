// What goes over the wire: a line of JSON that says what it is, then bytes.

import { parseJson } from '../checkpoint/json.ts';
import { DistributedError } from './errors.ts';

/** A message, read. */
export interface Message {
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Most bytes of the line. */
export const MAX_HEAD_BYTES = 2 ** 16;
const LINE_FEED = 10;

/** A message as bytes. */
export function packMessage(head: object, body = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode(`${JSON.stringify(head)}\n`);
  const out = new Uint8Array(line.length + body.length);
  out.set(line);
  out.set(body, line.length);
  return out;
}

/** Bytes that may be anything as a message. Throws DistributedError. */
export function unpackMessage(bytes: Uint8Array<ArrayBuffer>): Message {
  try {
    const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf(LINE_FEED);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      bytes.subarray(0, Math.max(0, end)),
    );
    const head: unknown = parseJson(text, 'the line');
    if (typeof head === 'object' && head !== null && !Array.isArray(head))
      return { head: head as Message['head'], body: bytes.subarray(end + 1) };
  } catch {
    // said below
  }
  throw new DistributedError('a message does not begin with a line of JSON');
}

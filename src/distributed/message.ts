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
const SPACE = 32;

/** What numbers in a body begin at a multiple of, so that they are read where they are. */
const BORDER = 8;

/** A message as bytes. Before a body the line is filled up with spaces. */
export function packMessage(head: object, body = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = text.length + 1;
  const filled = body.length === 0 ? length : Math.ceil(length / BORDER) * BORDER;
  const line = new Uint8Array(filled).fill(SPACE);
  line.set(text);
  line[filled - 1] = LINE_FEED;
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

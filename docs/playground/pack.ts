// A short text of one's own as a part of the address, compressed.

/** Characters of a packed text that an address may have. */
const MOST = 6000;

async function through(bytes: Uint8Array, stream: GenericTransformStream): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const out = source.pipeThrough(stream as ReadableWritablePair<Uint8Array, Uint8Array>);
  return new Uint8Array(await new Response(out).arrayBuffer());
}

/** base64 with letters that need no escapes in an address; undefined for a text that is too long.
 */
export async function pack(bytes: Uint8Array): Promise<string | undefined> {
  if (bytes.length > 100 * MOST) return undefined;
  const packed = await through(bytes, new CompressionStream('deflate-raw'));
  if (packed.length > (MOST * 3) / 4) return undefined;
  const binary = Array.from(packed, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Throws, with a hint, if it is not what `pack` gave. */
export async function unpack(packed: string): Promise<Uint8Array> {
  try {
    const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return await through(bytes, new DecompressionStream('deflate-raw'));
  } catch {
    const error = new Error('the text in the address is damaged');
    throw Object.assign(error, { hint: 'ask for the link again, or give the text itself' });
  }
}

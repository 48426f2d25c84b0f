// The 256 characters by which GPT-2's files write bytes: those of Latin-1 that print stand for
// themselves, the other 68 bytes for U+0100 .. U+0143 in turn. So a token is a text that any file
// can hold, whatever its bytes are.

const isPrinted = (byte: number): boolean =>
  (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);

/** Characters of bytes 0 .. 255. */
function makeCharacters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrinted(byte) ? byte : 256 + others++),
  );
}

let characters: string[] | undefined;
let bytes: Map<string, number> | undefined;

/** The character of each byte. */
export const byteCharacters = (): readonly string[] => (characters ??= makeCharacters());

/** The byte of each of these characters. */
export const characterBytes = (): ReadonlyMap<string, number> =>
  (bytes ??= new Map(byteCharacters().map((character, byte) => [character, byte])));

/** The bytes of a token as the files write it; undefined if it has another character. */
export function bytesOf(token: string): Uint8Array | undefined {
  const known = characterBytes();
  const found = Array.from(token, (character) => known.get(character) ?? -1);
  return found.includes(-1) ? undefined : Uint8Array.from(found);
}

/** Bytes that UTF-8 takes for a UTF-16 unit at most. */
export const BYTES_A_UNIT = 3;
const REPLACEMENT = 0xfffd;

/** Calls `use` with the bytes of a part of a text in UTF-8. Half of a surrogate pair, which is no
 *  character, has those of U+FFFD, as TextEncoder gives them. */
export function eachByte(
  text: string,
  from: number,
  end: number,
  use: (byte: number) => void,
): void {
  for (let at = from; at < end; at++) {
    let point = text.codePointAt(at) as number;
    if (point < 0x80) {
      use(point);
      continue;
    }
    if (point > 0xffff) at++;
    else if (point >> 11 === 0x1b) point = REPLACEMENT;
    if (point < 0x800) use(0xc0 | (point >> 6));
    else {
      if (point < 0x10000) use(0xe0 | (point >> 12));
      else {
        use(0xf0 | (point >> 18));
        use(0x80 | ((point >> 12) & 0x3f));
      }
      use(0x80 | ((point >> 6) & 0x3f));
    }
    use(0x80 | (point & 0x3f));
  }
}

/** A text in UTF-8. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  eachByte(text, 0, text.length, (byte) => {
    bytes.push(byte);
  });
  return Uint8Array.from(bytes);
}

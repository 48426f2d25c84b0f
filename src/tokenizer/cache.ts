// Tokens of words that came before: of a text's words most have been there already.

/** Longest word that is kept. */
const LONGEST = 64;
/** Most UTF-16 units, tokens and 16 a word for the rest: some 32 MB. Beyond it all are forgotten.
 */
const ROOM = 2 ** 22;
const A_WORD = 16;

/** What is kept of a word: its only token, or a copy of them. */
type Kept = number | Int32Array;

/** A memory of bounded size. */
export class WordCache {
  private readonly words = new Map<string, Kept>();
  private filled = 0;

  /** What is kept of a word. */
  get(word: string): Kept | undefined {
    return word.length <= LONGEST ? this.words.get(word) : undefined;
  }

  /** Keeps tokens[0 .. length - 1]. */
  set(word: string, tokens: Int32Array, length: number): void {
    if (word.length > LONGEST) return;
    const room = word.length + length + A_WORD;
    if (this.filled + room > ROOM) {
      this.words.clear();
      this.filled = 0;
    }
    this.filled += room;
    this.words.set(ownText(word), length === 1 ? tokens[0] : tokens.slice(0, length));
  }
}

/** The same text, as no part of another: engines keep a whole text for a part of it. */
function ownText(word: string): string {
  const units: number[] = [];
  for (let at = 0; at < word.length; at++) units.push(word.charCodeAt(at));
  return String.fromCharCode(...units);
}

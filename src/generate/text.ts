// Tokens as they come, as text: characters whose bytes are in several tokens, and strings that end
// a text, which may begin in one token and end in another.

/** Text of tokens that come one after the other. */
interface TokenStream {
  take(token: number): string;
  end(): string;
}

/** What tokens stand for: a `Vocabulary`, a `Tokenizer`, or something of your own. */
export interface TextCodec {
  /** Tokens of a text in UTF-8; `what` names it in errors. */
  encode(bytes: Uint8Array, what?: string): Int32Array;
  /** The text of some tokens. */
  decode(tokens: ArrayLike<number>): string;
  /** 'bytes': a token is a byte. */
  readonly kind?: string | undefined;
  /** What gives the text of tokens that come one after the other, if a token is not always whole
   *  characters. */
  decoder?(): { take(tokens: number): string; end(): string };
}

/** What gives the text of tokens one by one: the same characters as of all tokens at once. */
export function streamOf(codec: TextCodec | undefined): TokenStream {
  if (codec === undefined) return { take: () => '', end: () => '' };
  if (codec.decoder !== undefined) return codec.decoder();
  if (codec.kind !== 'bytes') return { take: (token) => codec.decode([token]), end: () => '' };
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    take: (token) => decoder.decode(Uint8Array.of(token), { stream: true }),
    end: () => decoder.decode(),
  };
}

/** Length of the longest end of a text with which a stop string begins, not the whole of it. */
function heldBy(text: string, stop: string): number {
  for (let n = Math.min(text.length, stop.length - 1); n > 0; n--)
    if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}

/** Lets text through up to the first stop string; holds back what may become one. */
export class StopStrings {
  private held = '';

  constructor(private readonly stops: readonly string[]) {}

  /** What of the text so far can be shown, and whether a stop string has come. */
  take(piece: string): { text: string; stopped: boolean } {
    const all = this.held + piece;
    const places = this.stops.map((stop) => all.indexOf(stop)).filter((place) => place >= 0);
    if (places.length > 0) {
      this.held = '';
      return { text: all.slice(0, Math.min(...places)), stopped: true };
    }
    const held = Math.max(0, ...this.stops.map((stop) => heldBy(all, stop)));
    this.held = all.slice(all.length - held);
    return { text: all.slice(0, all.length - held), stopped: false };
  }

  /** What was held back, when no text comes any more. */
  end(): string {
    const { held } = this;
    this.held = '';
    return held;
  }
}

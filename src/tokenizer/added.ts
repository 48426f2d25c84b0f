// Added tokens: pieces of a text that are one token whatever the rules say, cut out before anything
// else, as Hugging Face's tokenizers do it: those that are not `normalized` first, then the others
// in what is left; of several that begin at a place the longest; from left to right.

import { classOf, GROUP, isWord, SPACE } from './classes.ts';

/** A token beside those that are learned, as tokenizer.json has it. */
export interface AddedToken {
  /** Its number. */
  readonly id: number;
  /** The text that it stands for. */
  readonly content: string;
  /** It is found only where no character of a word (`\w`) is before or behind it. */
  readonly single_word: boolean;
  /** White space before it belongs to it. */
  readonly lstrip: boolean;
  /** White space behind it belongs to it. */
  readonly rstrip: boolean;
  /** It is looked for after those that are not. */
  readonly normalized: boolean;
  /** It is no text but a sign, as the end of a document: `decode` can leave it out. */
  readonly special: boolean;
}

/** Takes the pieces of a text: a part of it, or an added token. */
export interface Pieces {
  text(from: number, end: number): void;
  token(token: AddedToken): void;
}

interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

const node = (): Node => ({ next: new Map() });

/** The contents of some tokens, as a tree of their UTF-16 units. */
function treeOf(tokens: readonly AddedToken[]): Node | undefined {
  if (tokens.length === 0) return undefined;
  const root = node();
  for (const token of tokens) {
    let at = root;
    for (let i = 0; i < token.content.length; i++) {
      const unit = token.content.charCodeAt(i);
      let below = at.next.get(unit);
      if (below === undefined) {
        below = node();
        at.next.set(unit, below);
      }
      at = below;
    }
    at.token ??= token;
  }
  return root;
}

/** The longest token that begins at a place. */
function longest(root: Node, text: string, from: number, end: number): AddedToken | undefined {
  let found: AddedToken | undefined;
  let at: Node | undefined = root;
  for (let i = from; i < end; i++) {
    at = at.next.get(text.charCodeAt(i));
    if (at === undefined) break;
    found = at.token ?? found;
  }
  return found;
}

/** The next token at or behind a place, and where it is. */
function find(
  root: Node,
  text: string,
  from: number,
  end: number,
): { token: AddedToken; at: number; to: number } | undefined {
  for (let at = from; at < end; at++) {
    if (!root.next.has(text.charCodeAt(at))) continue;
    const token = longest(root, text, at, end);
    if (token !== undefined) return { token, at, to: at + token.content.length };
  }
  return undefined;
}

const isSpace = (text: string, at: number): boolean =>
  (classOf(text.charCodeAt(at)) & GROUP) === SPACE;

/** Where the white space before a place begins. */
function spaceBefore(text: string, from: number, at: number): number {
  let first = at;
  while (first > from && isSpace(text, first - 1)) first--;
  return first;
}

/** Where the white space behind a place ends. */
function spaceBehind(text: string, at: number, end: number): number {
  let last = at;
  while (last < end && isSpace(text, last)) last++;
  return last;
}

/** The code point that ends before `end`. */
function pointBefore(text: string, from: number, end: number): number {
  const point = end - 2 >= from ? (text.codePointAt(end - 2) as number) : 0;
  return point > 0xffff ? point : text.charCodeAt(end - 1);
}

/** Cuts a part of a text at the tokens of a tree. */
function cut(root: Node, text: string, from: number, end: number, pieces: Pieces): void {
  let done = from;
  const isAlone = (at: number, to: number): boolean =>
    (at === from || !isWord(pointBefore(text, from, at))) &&
    (to === end || !isWord(text.codePointAt(to) as number));
  let found = find(root, text, from, end);
  for (; found !== undefined; found = find(root, text, found.to, end)) {
    const { token, at, to } = found;
    if (token.single_word && !isAlone(at, to)) continue;
    const first = token.lstrip ? spaceBefore(text, done, Math.max(done, at)) : at;
    if (done < first) pieces.text(done, first);
    pieces.token(token);
    done = token.rstrip ? spaceBehind(text, to, end) : to;
  }
  if (done < end) pieces.text(done, end);
}

/** The added tokens of a tokenizer. */
export class AddedTokens {
  private readonly first: Node | undefined;
  private readonly second: Node | undefined;

  constructor(tokens: readonly AddedToken[]) {
    this.first = treeOf(tokens.filter(({ normalized }) => !normalized));
    this.second = treeOf(tokens.filter(({ normalized }) => normalized));
  }

  /** Hands out the pieces of a text in turn. */
  split(text: string, pieces: Pieces): void {
    const { first, second } = this;
    const rest: Pieces['text'] = (from, end) =>
      second === undefined ? pieces.text(from, end) : cut(second, text, from, end, pieces);
    if (first === undefined) {
      if (text !== '') rest(0, text.length);
    } else cut(first, text, 0, text.length, { ...pieces, text: rest });
  }
}

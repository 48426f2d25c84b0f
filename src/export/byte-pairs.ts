// The byte pairs of a translator as a tokenizer.json: a space in front, words as the library cuts
// them, BPE over characters, the end behind a sentence.

import { UsageError } from '../core/errors.ts';
import { BytePairs, type BytePairsJson, SPECIAL } from '../index.ts';
import { bpeJson, type Tokens } from './tokens.ts';

/** Names of the tokens that stand for no text, which are the first ones. */
export const NAMES = ['<pad>', '<s>', '</s>', '\ufffd'] as const;

/** The words of src/data/bpe.ts: what is no letter there, as other engines read a set. */
const SIGNS =
  '\\x00-\\x1f!-/:-@\\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7' +
  '\u2000-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20';
const WORDS = ` ?(?:[${SIGNS}]{1,64}|[^ ${SIGNS}]{1,64})| `;

/** Texts of all tokens and the rules by them. */
function tableOf({ symbols, merges }: BytePairsJson) {
  const texts: string[] = [...NAMES, ...symbols];
  const tokenOf = new Map([...symbols].map((symbol, i) => [symbol, NAMES.length + i]));
  const rules: [string, string][] = [];
  for (let i = 0; i < merges.length; i += 2) {
    const [left, right] = [texts[merges[i]], texts[merges[i + 1]]];
    rules.push([left, right]);
    if (!tokenOf.has(left + right)) tokenOf.set(left + right, texts.push(left + right) - 1);
  }
  return { texts, merges: rules };
}

/** Throws UsageError unless it is what a checkpoint keeps of byte pairs. */
export function ofBytePairs(value: object): Tokens {
  const pairs = BytePairs.fromJson(value);
  if (pairs === undefined)
    throw new UsageError('the vocabulary is damaged', 'give what toJson() of BytePairs gave');
  const { texts, merges } = tableOf(pairs.toJson());
  const end = NAMES[SPECIAL.end];
  const special = NAMES.slice(0, SPECIAL.unknown).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const sequence = (id: string): object => ({ Sequence: { id, type_id: 0 } });
  const ending = { SpecialToken: { id: end, type_id: 0 } };
  const json = bpeJson({
    texts,
    merges,
    added: special,
    unknown: NAMES[SPECIAL.unknown],
    normalizer: { type: 'Prepend', prepend: ' ' },
    pre: { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Isolated', invert: false },
    post: {
      type: 'TemplateProcessing',
      single: [sequence('A'), ending],
      pair: [sequence('A'), ending, sequence('B'), ending],
      special_tokens: { [end]: { id: end, ids: [SPECIAL.end], tokens: [end] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }],
    },
  });
  return { kind: 'byte-pairs', size: texts.length, texts, merges, json, end: SPECIAL.end };
}

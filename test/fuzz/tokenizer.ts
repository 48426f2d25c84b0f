// npm run fuzz:tokenizer -- [--cases N] [--seed S]: GPT-2's vocabulary on N fuzzed strings
// (100,000), compared with gpt-3-encoder and @huggingface/tokenizers, token by token. Exit code 1
// if a string differs.
//
//   --write FOLDER   writes the strings, their tokens, tokens around added tokens with all flags
//                    and what is learned instead, for test/fuzz/tokenizer_rust.py, which compares
//                    them with the library that the others follow

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Tokenizer, UNICODE_VERSION } from '../../src/tokenizer/index.ts';
import { drawing, fuzzString } from '../helpers/fuzz-strings.ts';
import { type Compared, compare, gpt2 } from '../helpers/tokenizer-oracles.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    write: { type: 'string' },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const compared: Compared = { gpt3: 0, huggingFace: 0, plain: 0 };

function compareAll(): void {
  let differing = 0;
  for (let number = 0; number < cases; number++) {
    try {
      compare(fuzzString(seed, number), compared);
    } catch (error) {
      if (++differing <= 10) console.error(`string ${number}: ${(error as Error).message}`);
    }
    if ((number + 1) % 10_000 === 0) console.log(`${number + 1} strings, ${differing} differ`);
  }
  console.log(
    `${cases} strings of seed ${seed}: ${differing} differ; ${compared.gpt3} like gpt-3-encoder, ` +
      `${compared.huggingFace} like @huggingface/tokenizers, ${compared.plain} like the plain ` +
      `way, as they have a character that Unicode ${process.versions.unicode} with JavaScript's ` +
      `white space puts elsewhere than Unicode ${UNICODE_VERSION}`,
  );
  process.exitCode = differing === 0 ? 0 : 1;
}

/** Added tokens with every flag, and what stands around them. */
const FLAGS = [
  { content: 'cat', single_word: true },
  { content: '[L', lstrip: true },
  { content: '[R', rstrip: true },
  { content: '[B', lstrip: true, rstrip: true, single_word: true, normalized: false },
  { content: ' the' },
  { content: '\n\n', special: true, normalized: false },
  { content: '<|x|>', special: true, normalized: false },
  { content: 'x|> y' },
];
const AROUND =
  ' ,  ,\n,\u0085,\u00a0,_,\u00e9,\u0301,\u00b2,\u0663,-,s,\u{1f600},\u{20000},\u200d,x'.split(',');

function flagged(): Tokenizer {
  const none = { single_word: false, lstrip: false, rstrip: false, special: false };
  const added_tokens = FLAGS.map((token, i) => ({
    id: 256 + i,
    ...none,
    normalized: true,
    ...token,
  }));
  return Tokenizer.fromJson({ ...Tokenizer.train('', { size: 256 }).toJson(), added_tokens });
}

function flaggedString(number: number): string {
  const draw = drawing(seed, number);
  const pieces = [...FLAGS.map(({ content }) => content), ...AROUND];
  return Array.from({ length: 1 + draw(10) }, () => pieces[draw(pieces.length)]).join('');
}

/** Letters and numbers that Unicode 17.0 added: for the Rust library (0.23.2), which has 16.0, they
 *  are none. It cuts words elsewhere there, and may learn other rules. */
const ADDED =
  '88f c5c cdc a7ce-a7cf a7d2 a7d4 a7f1 10940-10959 10ec5-10ec7 11db0-11ddb 11de0-11de9 ' +
  '16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18d09-18d1e 18d80-18df2 1e6c0-1e6de ' +
  '1e6e0-1e6e2 1e6e4-1e6e5 1e6e7-1e6ed 1e6f0-1e6f4 1e6fe-1e6ff 2b73a-2b73f 2cea2-2cead ' +
  '323b0-33479';
const isAdded = new RegExp(
  `[${ADDED.replace(/[0-9a-f]+/g, (digits) => `\\u{${digits}}`).replaceAll(' ', '')}]`,
  'u',
);

/** Writes what the Rust library is compared with. */
function writeAll(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const wellFormed = (text: string): string => text.replace(/[\ud800-\udfff]/gu, '\ufffd');
  const write = (name: string, tokenizer: Tokenizer, strings: string[]): void => {
    const tokens = strings.map((text) => [...tokenizer.encode(text)]);
    const value = { tokenizer: JSON.stringify(tokenizer.toJson()), strings, tokens };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(value));
  };
  const strings = Array.from({ length: cases }, (_, i) => wellFormed(fuzzString(seed, i)));
  write('gpt2', gpt2, strings);
  write(
    'flags',
    flagged(),
    Array.from({ length: cases }, (_, i) => flaggedString(i)),
  );
  const known = strings.filter((text) => !isAdded.test(text));
  const text = known.slice(0, 20_000).join('');
  const { merges } = Tokenizer.train(text, { size: 4096 }).toJson().model;
  writeFileSync(join(folder, 'learned.json'), JSON.stringify({ text, size: 4096, merges }));
}

if (values.write === undefined) compareAll();
else writeAll(values.write);

// npm run fuzz:tokenizer -- [--cases N] [--seed S]: GPT-2's vocabulary on N fuzzed strings
// (100,000), compared with gpt-3-encoder and @huggingface/tokenizers, token by token. Exit code 1
// if a string differs.

import { parseArgs } from 'node:util';
import { UNICODE_VERSION } from '../../src/tokenizer/index.ts';
import { fuzzString } from '../helpers/fuzz-strings.ts';
import { type Compared, compare } from '../helpers/tokenizer-oracles.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const compared: Compared = { gpt3: 0, huggingFace: 0, plain: 0 };
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
    `${compared.huggingFace} like @huggingface/tokenizers, ${compared.plain} like the plain way, ` +
    `as they have a character that Unicode ${process.versions.unicode} with JavaScript's white ` +
    `space puts elsewhere than Unicode ${UNICODE_VERSION}`,
);
process.exitCode = differing === 0 ? 0 : 1;

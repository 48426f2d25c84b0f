// verify on the runtime that runs this file, any that has modules and prints: one line of JSON, {
// report, runtime, tokens, logits, int8, archives, receipt, kernels } or { error }.

import './shell-prelude.js';
import * as codec from '../../dist/codec.js';
import * as generate from '../../dist/generate.js';
import * as library from '../../dist/index.js';
import * as receipts from '../../dist/receipt.js';
import * as tokenizer from '../../dist/tokenizer.js';
import { describeRuntime, verify } from '../../dist/verify.js';
import { archivesDigest } from './archives.js';
import { int8Digest } from './int8.js';
import { logitsDigest } from './logits.js';
import { receiptDigest } from './receipt.js';
import { tokensDigest } from './tokens.js';

const say =
  globalThis.console?.log !== undefined && globalThis.process !== undefined
    ? console.log
    : (globalThis.print ?? console.log);

/** What is here. */
async function answer() {
  const runtime = describeRuntime();
  try {
    const report = verify();
    const tokens = await tokensDigest(library, tokenizer);
    const logits = await logitsDigest(library, generate);
    const int8 = await int8Digest(library);
    const archives = await archivesDigest(library, codec);
    const receipt = await receiptDigest(library, receipts);
    const { kernels } = library.int8();
    return { report, runtime, tokens, logits, int8, archives, receipt, kernels };
  } catch (error) {
    return { error: `${error.name}: ${error.message}`, runtime };
  }
}
answer().then((found) => say(JSON.stringify(found)));

// npm run fuzz:tokenizer: test/fuzz/tokenizer.ts.

import { runBundled } from './bundled.mjs';

await runBundled('tokenizer', ['gpt-3-encoder', '@huggingface/tokenizers']);

export function tokensDigest(
  library: { sha256Hex(bytes: Uint8Array): Promise<string> },
  entry: { Tokenizer: typeof import('../../src/tokenizer/index.ts').Tokenizer },
): Promise<string>;

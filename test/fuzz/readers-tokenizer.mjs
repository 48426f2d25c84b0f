// Readers of tokenizers, on files that began as valid ones.

import { mutate, mutateJson, mutateText } from './mutate.mjs';

/** Targets: a name and what a case does. `R`: the library; `text`: to learn from. */
export function tokenizerTargets(R, text) {
  const tokenizer = R.Tokenizer.train(text, { size: 290, specialTokens: ['<end>'] });
  const files = tokenizer.toFiles();

  function useTokenizer(made, random) {
    const again = R.Tokenizer.fromJson(JSON.stringify(made.toJson()));
    const changed = mutateText(`${text}<end>`, random);
    const ids = made.encode(changed);
    if (again.encode(changed).join() !== ids.join()) throw new Error('another was read back');
    made.decode(ids);
  }

  return [
    [
      'tokenizer.json',
      (random) => {
        const json = mutateJson(tokenizer.toJson(), random);
        const file = random.oneIn(2) ? json : mutateText(JSON.stringify(json), random);
        useTokenizer(R.Tokenizer.fromJson(file), random);
      },
    ],
    [
      'vocab.json and merges.txt',
      (random) => {
        const [vocab, merges] = Object.values(files).map((file) =>
          random.oneIn(2) ? file : mutateText(file, random),
        );
        useTokenizer(R.Tokenizer.fromFiles(vocab, merges), random);
      },
    ],
    [
      'tokenizer of a checkpoint',
      (random) => {
        const value = { kind: 'tokenizer', learned: 290, tokenizer: tokenizer.toJson() };
        const known = R.gptKind.fromJson(mutateJson(value, random), { vocabulary: tokenizer.size });
        if (known === undefined) throw new R.UsageError('no tokenizer');
        R.printable(R.gptKind.describe(known).join(' '));
      },
    ],
    [
      'tokenizer of a text',
      (random) => {
        const bytes = mutate(new TextEncoder().encode(text), random);
        useTokenizer(R.Tokenizer.train(bytes, { size: 256 + random.below(64) }), random);
      },
    ],
  ];
}

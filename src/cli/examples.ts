// Commands that the help text shows, word by word.

export const EXAMPLES = [
  ['demo'],
  ['train', 'gpt', '--text', 'input.txt', '--steps', '2000', '--out', 'run'],
  ['train', 'gpt', '--text', 'input.txt', '--resume', 'run'],
  ['train', 'gpt', '--text', 'other.txt', '--init', 'run', '--lora', '8', '--out', 'fine'],
  ['sample', 'run', '--prompt', 'The '],
  ['export', 'run', '--to', 'hf', '--out', 'model'],
  ['import', 'gpt2', '--text', 'input.txt', '--out', 'base'],
  ['compress', '--train', 'rows.jsonl', '--out', 'rows.rgm'],
  ['compress', 'rows.jsonl', '--model', 'rows.rgm', '--out', 'rows.rga'],
  ['plot', 'run'],
  ['eval', 'run'],
  ['plan', 'gpt', '--layers', '12', '--channels', '768', '--heads', '12'],
  ['bench', '--profile'],
  ['verify'],
  ['train', 'vit', '--data', 'mnist', '--out', 'digits'],
  ['train', 'translate', '--pairs', 'fra.txt', '--out', 'french'],
  ['translate', 'french', '--text', 'Go on.'],
];

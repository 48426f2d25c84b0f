// Pairs of sentences of a small language, and how a small translator is trained on them.

const WHO = [
  ['I', 'je'],
  ['you', 'tu'],
  ['we', 'nous'],
  ['they', 'elles'],
  ['she', 'elle'],
  ['he', 'il'],
];
const DOES = [
  ['see', 'regarde'],
  ['take', 'prends'],
  ['want', 'veux'],
  ['know', 'connais'],
  ['sell', 'vends'],
];
const WHAT = [
  ['the house', 'la maison'],
  ['a dog', 'un chien'],
  ['the sea', 'la mer'],
  ['bread', 'du pain'],
];
/** 120 sentences and their translations. */
const PAIRS = Array.from({ length: 120 }, (_, i) => [
  WHO[i % 6],
  DOES[Math.floor(i / 6) % 5],
  WHAT[Math.floor(i / 30)],
]).map((words) => [0, 1].map((side) => `${words.map((word) => word[side]).join(' ')}.`));
/** The pairs as a file, or one side of them. */
export const lines = (side?: number): string =>
  PAIRS.map((pair) => (side === undefined ? pair.join('\t') : pair[side])).join('\n');

export const SHAPE = [
  '--layers',
  '1',
  '--channels',
  '16',
  '--heads',
  '2',
  '--context',
  '16',
  '--batch',
  '4',
  '--vocabulary-size',
  '80',
];
export const TRAIN = ['train', 'translate', '--pairs', 'pairs.txt', ...SHAPE];

// The figures of flows in docs/reversibility.md, from what bench/idf.mjs and bench/i-revnet.mjs
// wrote.

import { count, environment, table } from './markdown.mjs';
import { result } from './source.mjs';

const COMMANDS = '`node bench/idf.mjs ... --write` and `node bench/i-revnet.mjs ... --write`';

const bits = ({ bits: found, unseen }) =>
  `${found.toFixed(3)} bits a dimension on ${count(unseen)} others`;
const accuracy = ({ accuracy: share, unseen, different }) =>
  `${(100 * share).toFixed(2)} % of ${count(unseen)} others; ${count(different)} bytes ` +
  'of them, rebuilt from the last state, differ';

const ROWS = {
  idf: ['integer discrete flow, exact CIFAR-10 images', bits],
  'iRevNet MNIST': ['i-RevNet, MNIST', accuracy],
  'iRevNet CIFAR-10': ['i-RevNet, a JPEG copy of CIFAR-10', accuracy],
};

/** What trained flows reach. */
export function flowFigures() {
  const found = Object.entries(result('flows') ?? {}).filter(([name]) => name in ROWS);
  if (found.length === 0) return `Not measured yet: run ${COMMANDS}.`;
  const rows = found.map(([name, entry]) => {
    const [what, reached] = ROWS[name];
    const { weights, steps, batch, images, sha256 } = entry;
    const training = `${count(steps)} of ${batch}, from ${count(images)} images`;
    return [what, count(weights), training, reached(entry), sha256.slice(0, 16)];
  });
  const places = [...new Set(found.map(([, entry]) => environment(entry)))].join('; ');
  const head = ['model', 'weights', 'steps', 'reaches', 'digest of its weights'];
  return `${table(head, rows, [1])}

${COMMANDS}; ${places}.`;
}

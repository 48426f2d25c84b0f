// The three claims of the README, with what was measured for each.

import { count, mib } from './markdown.mjs';
import { rowsThatRan } from './runtimes.mjs';
import { read, result } from './source.mjs';

export function claims() {
  const learning = result('learning');
  const learned = learning?.operands.int16;
  const planned = result('memory');
  const golden = JSON.parse(read('src/verify/published/demo.json'));
  const first = planned?.rows.at(0);
  const last = planned?.rows.at(-1);
  const bdiaRuns = learned?.runs.filter((entry) => entry.rule === 'bdia') ?? [];
  const checked = bdiaRuns.reduce((sum, entry) => sum + entry.reconstruction.checkedStates, 0);
  const wrong = bdiaRuns.reduce((sum, entry) => sum + entry.reconstruction.mismatchedElements, 0);
  const ratios = Object.values(learned?.summary ?? {})
    .filter(({ ratio }) => ratio !== undefined)
    .map(({ ratio }) => ratio);
  const matrix = result('conformance');
  const equal = matrix?.rows.filter(({ status }) => status === 'equal').length;
  const ran = matrix && rowsThatRan(matrix).length;
  const lines = [];
  lines.push(
    '1. **Exactly reversible.** The backward pass rebuilds the activations of every block ' +
      'bit for bit instead of storing them' +
      (bdiaRuns.length > 0
        ? `: ${count(checked)} states rebuilt in ${bdiaRuns.length} training runs, ` +
          `${count(wrong)} elements different`
        : '') +
      '. ' +
      (planned === undefined
        ? ''
        : `${last.layers} layers keep ${mib(last.bdia.bytes.states)} MiB of states, as ` +
          `${first.layers} layers do, and ${mib(last.bdia.bytes.sideBits)} MiB of side bits, ` +
          `where storing needs ${mib(last.none.bytes.states)} MiB. `) +
      'Proof: `npm test -- reversal memory`.',
  );
  lines.push(
    '2. **The same bits everywhere.** Same seed, same text: the same weights, byte for byte, ' +
      'on every runtime and processor, for any number of threads and any split into ' +
      'micro-batches' +
      (matrix === undefined
        ? '. '
        : `: known answers and training runs have one digest on ${equal} of the ${ran} engines ` +
          'and processors tried. ') +
      `Proof: \`npm start\` trains ` +
      (golden.parameters > 0
        ? `a model of ${count(golden.parameters)} weights for ${count(golden.steps)} steps `
        : 'a model ') +
      'and compares the SHA-256 of its weights with the published one' +
      `${golden.parameters > 0 ? ` (${golden.weightsSha256.slice(0, 16)}...)` : ''}; \`npm ` +
      `test -- same-bits threads\`, and \`npm run conformance\`.`,
  );
  lines.push(
    '3. **Integers only, and it learns like float32.** No floating-point instruction in the ' +
      'WebAssembly module, from token to updated weight' +
      (ratios.length > 0
        ? `; validation loss at most ${Math.max(...ratios).toFixed(3)} times that of PyTorch ` +
          `in float32 after ${count(learning.steps)} steps, mean of ` +
          `${new Set(learned.runs.map((entry) => entry.seed)).size} seeds`
        : '') +
      '. Proof: `npm test -- release-text` and `node bench/learn.mjs --text FILE`.',
  );
  return lines.join('\n');
}

// docs/conformance.md: everything from which a stranger can write every kernel and the random
// generator again and certify them with the published vectors. Made from the contract's docstrings,
// the tables, the rules of src/verify and src/verify/published/conformance.json.
//
//   node docs/generate/conformance-page.mjs            writes it
//   node docs/generate/conformance-page.mjs --check    changes nothing, exits 1 if it is stale

import { pathToFileURL } from 'node:url';
import { loadLines } from '../../bench/load.mjs';
import { ROOT } from '../../bench/stamp.mjs';
import { contractText, notation, sections } from './conformance-contract.mjs';
import {
  checkOverall,
  EXAMPLES,
  example,
  kernelList,
  runList,
  runOptions,
} from './conformance-vectors.mjs';
import { code, fenced, hex32, table } from './markdown.mjs';
import { renew } from './renew.mjs';
import { documentedConstants, read } from './source.mjs';

export const CONFORMANCE_PAGE = 'docs/conformance.md';
const VECTORS = 'src/verify/published/conformance.json';

/** Of src: what the page prints, and the reference implementation, which computes the worked
 *  example. */
const MODULES = `
export { createReferenceBackend } from './src/kernels/reference/index.ts';
export { EXP2_Q30, GELU_GAP_Q17, GELU_SLOPE_Q15 } from './src/kernels/reference/tables.ts';
export { philox4x32 } from './src/core/random.ts';
export { runCase } from './src/verify/cases.ts';
export { RUNS, smallRun } from './src/verify/runs.ts';
export { checkTrainOptions } from './src/train/options.ts';
export { optionsToData } from './src/train/options-data.ts';
export * as formats from './src/memory/formats.ts';`;

// ---- tables -------------------------------------------------------------------------------------

const tables = ({ EXP2_Q30, GELU_GAP_Q17, GELU_SLOPE_Q15 }) =>
  [
    ['EXP2_Q30', 'c0 .. c5', [EXP2_Q30]],
    ['GELU_GAP_Q17', 'a row a power T0 .. T3, segments 0 .. 15', GELU_GAP_Q17],
    ['GELU_SLOPE_Q15', 'likewise', GELU_SLOPE_Q15],
  ]
    .map(([name, what, rows]) =>
      fenced(`${name} (${what})\n${rows.map((row) => row.join(' ')).join('\n')}`),
    )
    .join('\n\n');

const FORMATS = [
  'WEIGHT_LIMIT',
  'OPERAND_MAX',
  'MASTER_FRACTION',
  'GELU_INPUT_FRACTION',
  'XHAT_FRACTION',
  'MIN_XHAT_FRACTION',
  'GAIN_FRACTION',
  'RSTD_FRACTION',
  'PROBABILITY_FRACTION',
  'PROBABILITY_MAX',
  'BRANCH_FRACTION',
  'STATE_LIMIT_BITS',
  'INFERENCE_STATE_FRACTION',
  'LOGIT_GRADIENT_FRACTION',
  'LOSS_FRACTION',
  'OPTIMIZER_FRACTION',
  'RATE_FRACTION',
];
function formatTable(formats) {
  const documented = documentedConstants('src/memory/formats.ts');
  return table(
    ['constant', 'value', 'meaning'],
    FORMATS.map((name) => {
      const entry = documented.find(({ names }) => names.includes(name));
      if (entry === undefined) throw new Error(`no constant ${name}`);
      return [code(name), formats[name], entry.doc];
    }),
    [1],
  );
}

// ---- the random generator -----------------------------------------------------------------------

/** The published known answers, as the generator's test holds them. */
function knownAnswers({ philox4x32 }) {
  const words = (text) => [...text.matchAll(/0x[0-9a-f]+|\b0\b/g)].map(([word]) => Number(word));
  const found = [
    ...read('test/core/random.test.ts').matchAll(
      /counter: \[([^\]]*)\],\s*key: \[([^\]]*)\],\s*block: \[([^\]]*)\]/g,
    ),
  ].map(([, ...parts]) => parts.map(words));
  if (found.length !== 3) throw new Error('test/core/random.test.ts does not hold 3 known answers');
  return table(
    ['counter c0 c1 c2 c3', 'key k0 k1', 'block'],
    found.map(([counter, key, block]) => {
      if (philox4x32(...counter, ...key).join() !== block.join())
        throw new Error('a known answer of the generator is wrong');
      return [counter, key, block].map((list) =>
        code(list.map((word) => hex32(word).slice(2)).join(' ')),
      );
    }),
  );
}

const PHILOX = `philox4x32(c0, c1, c2, c3, k0, k1): all words uint32
  repeat 10 times:
    P = 0xd2511f53 * c0        (64 bits)
    Q = 0xcd9e8d57 * c2        (64 bits)
    (c0, c1, c2, c3) = (floor(Q / 2^32) ^ c1 ^ k0,  Q mod 2^32,  floor(P / 2^32) ^ c3 ^ k1,  P mod \
2^32)
    k0 = (k0 + 0x9e3779b9) mod 2^32
    k1 = (k1 + 0xbb67ae85) mod 2^32
  the block is (c0, c1, c2, c3)`;

// ---- the page -----------------------------------------------------------------------------------

/** The page as Markdown. */
export async function conformancePage() {
  const modules = await loadLines(MODULES);
  const golden = JSON.parse(read(VECTORS));
  const text = read('src/kernels/kernels.ts');
  checkOverall(golden);
  const cases = Object.values(golden.kernels).reduce((sum, entry) => sum + entry.cases.length, 0);
  const kernels = Object.keys(golden.kernels).length;
  const described = sections(text).flatMap((section) => section.kernels.map(({ name }) => name));
  if (described.join() !== Object.keys(golden.kernels).join())
    throw new Error('contract and vectors do not hold the same kernels in the same order');
  return `# Conformance

What is needed to write every kernel and the random generator again, in any language, and to \
certify the result: the arithmetic, the
tables, the contract of each kernel, and how the known answers in [${VECTORS}](../${VECTORS}) are \
made
and compared. ${kernels} kernels, ${cases} cases. A test holds this page to that: it implements \
every kernel from here in BigInt, without a line of the
library and with the tables and the generator's constants read from this page, and demands every \
digest.

Generated by \`node docs/generate/conformance-page.mjs\` from \
[src/kernels/kernels.ts](../src/kernels/kernels.ts), the tables and the vectors. The
library certifies itself by the command \`retrograd verify\` and by the function of that name in \
its second entry.

## Memory

One linear memory, little-endian, two's complement. A pointer is a byte address, aligned to the \
element it points at; pointers are marked
\`*\` in the signatures, every other argument is a number. uint8, int16, int32, int64 are integers \
of that many bits. Matrices are
row-major; \`ld*\` is the distance between the beginnings of two rows, in elements. A kernel reads \
and writes only what its contract says, and
outputs do not overlap inputs unless it says so. How a result is computed is free: sums are exact, \
so their order does not matter.

## Notation

${fenced(notation(text))}

A packed matrix of k rows and n columns has \`panelStride(k) = ceil(k / 2) * 64\` bytes a panel of \
16 columns, and
\`packedBytes(k, n) = ceil(n / 16) * panelStride(k)\` in all.

## Random generator

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011):

${fenced(PHILOX)}

Published known answers (Random123), in hexadecimal:

${knownAnswers(modules)}

A word of a training run is word 0 of the block with key (seed mod 2^32, floor(seed / 2^32)) and \
counter (index, sample, step, purpose);
purpose is 1 for initial weights, 2 for batches, 3 for the signs of gamma, 4 for sampled text.

## Tables

Coefficients of the piecewise polynomials; every number is exact.

${tables(modules)}

Numbers in the contract that are formats, by name. The contract gives their values where it uses \
them:

${formatTable(modules.formats)}

## Kernels

${contractText(golden)}

## Known answers

[${VECTORS}](../${VECTORS}) is one JSON object:

\`\`\`text
{
  "digest": 64 hex digits, of everything
  "kernels": { kernel: { "digest": 64 hex digits, "cases": [ { "stream": number, "args": [...], \
"digest": 16 hex digits }, ... ] }, ... },
  "runs": { run: { "forward": 64 hex digits, "gradients": ..., "AdamW": ..., "training": ... }, \
... }
}
\`\`\`

An element of \`args\` is a number, passed as it is (0 for an absent pointer), or a buffer, whose \
address is passed:
\`{ "type", "length", "low"?, "high"?, "bits"?, "data"?, "output"? }\`. Each buffer has its own \
memory, aligned to 64 bytes. \`data\`, in cases that an audit writes (receipts.md), has its \
bytes in base64, instead of filling.

1. **Filling.** Element i of the buffer that is argument a (counted from 0, numbers included) \
comes from the words w0, w1, w2, w3 of
   philox4x32(i, a, 0, 0, stream, 0). For uint8, int16 and int32: \`low + floor(w0 * (high - low + \
1) / 2^32)\`, exactly, where low and high
   are the ends of the type unless given. For int64: \`w1 * 2^32 + w0\` as a signed 64-bit \
integer, shifted right arithmetically by
   \`64 - bits\`; bits is 64 unless given. Buffers that a kernel writes to are filled as well: \
bytes that it must not touch, and sums that
   it adds to, are part of the answer.
2. **Calling.** The kernel is called once with these arguments.
3. **Digesting.** The case's digest is SHA-256 over: the kernel's result as a little-endian int64 \
(0 if it has none), then all bytes of
   every buffer whose \`output\` is true, in the order of the arguments. The file holds its first \
16 hexadecimal digits.
4. **Together.** A kernel's digest is SHA-256 over its cases' 32-byte digests, one after the \
other. The digest of everything is SHA-256 over
   the ASCII text of the kernels' digests and then of the runs' digests (64 lower-case hexadecimal \
digits each, stage by stage), in the order
   of the file and without separators: \`${golden.digest}\`.

### Worked examples

${EXAMPLES.map((one) => example(modules, golden, one)).join('\n\n')}

### Digests of the kernels

${kernelList(golden)}

### Training runs

The runs certify the whole library, not one kernel: their digests need the model and the training \
loop
([architecture.md](architecture.md), [reversibility.md](reversibility.md)); those with the \
operands int8 need
[int8.md](int8.md) too, which says how operands are rounded. Their options, as a checkpoint has \
them ([checkpoint-format.md](checkpoint-format.md#options)):

${runOptions(modules)}

Inputs of step s are tokens t(0) .. t(n - 1), n = batch * context, and targets t(1) .. t(n): t(i) \
= floor(u^2 * vocabulary) with
u = w / 2^32 in double precision, w = the word of seed 7, purpose 2, step s, sample 0, index i. \
Each stage is SHA-256 over little-endian
elements:

| stage | what is digested |
| --- | --- |
| forward | of the initial weights, the state with INFERENCE_STATE_FRACTION fraction bits: \
the mean loss of evaluation over the n tokens (n of a batch larger by 1) of step 10,000, \
then the logits after the first \`context\` inputs of step 0, as float64 |
| gradients | the int64 gradients of the first batch, parameter by parameter in the order of the \
table |
| AdamW | the weights (int32), then all first moments m, then all r = sqrt(v), each in the order \
of the table, after one step |
| training | the same after the run's last step |

${runList(golden)}
`;
}

/** Writes the page, or with isCheck only compares it; true if it was up to date. */
export async function writeConformancePage(isCheck) {
  const made = { [CONFORMANCE_PAGE]: await conformancePage() };
  return renew(ROOT, made, isCheck).length === 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const isCheck = process.argv.includes('--check');
  const wasFresh = await writeConformancePage(isCheck);
  console.log(
    wasFresh
      ? `${CONFORMANCE_PAGE} is up to date`
      : `${CONFORMANCE_PAGE} ${isCheck ? 'is stale' : 'rewritten'}`,
  );
  if (isCheck && !wasFresh) {
    console.error('HINT: run node docs/generate/conformance-page.mjs and look at the difference');
    process.exitCode = 1;
  }
}

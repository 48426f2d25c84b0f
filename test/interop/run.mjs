// npm run interop: what other programs make of what retrograd/export writes. Trains small models,
// exports them in every form, and holds each program that is there against the library's logits and
// text; says which were not there. Exit code 1 if one that ran disagrees.
//
//   npm run interop -- --install           first: brings the packages of test/interop/package.json
//   npm run interop -- --python PROGRAM    a Python with torch, transformers, pillow, onnx,
//                                          onnxruntime, gguf (python3)
//   npm run interop -- --keep              leaves the exported models where it says

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../bench/stamp.mjs';
import { installChromium } from '../conformance/runtimes.mjs';
import { LENGTH, makeModels } from './models.mjs';
import { makeOthers } from './others.mjs';
import { askRuntime, askTransformersJs } from './transformers-js.mjs';
import { askWllama } from './wllama.mjs';

const { values } = parseArgs({
  options: {
    install: { type: 'boolean' },
    python: { type: 'string', default: 'python3' },
    keep: { type: 'boolean' },
  },
});
/** Largest difference of a logit from the library's, whose operands have 13 bits; and between two
 *  programs that compute with floats. */
const OURS = 0.05;
const FLOATS = 1e-2;
let failed = 0;

/** A line of the report. */
function report(name, isRight, words) {
  failed += Number(!isRight);
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${name}: ${words}`);
}

/** Does a part, or says why it could not be done. */
async function part(name, work) {
  try {
    await work();
  } catch (error) {
    const isMissing = error.code === 'ERR_MODULE_NOT_FOUND' || error.isMissing === true;
    if (!isMissing) failed++;
    console.log(`${isMissing ? 'none' : 'FAIL'} ${name}: ${String(error.message).split('\n')[0]}`);
  }
}

const difference = (a, b) =>
  Math.max(...a.map((row, t) => Math.max(...row.map((value, v) => Math.abs(value - b[t][v])))));
const missing = (message) => Object.assign(new Error(message), { isMissing: true });

function ask(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw missing(error.message);
  const last = stderr.trim().split('\n').at(-1);
  if (status !== 0 && /ModuleNotFoundError|No module named/.test(stderr)) throw missing(last);
  if (status !== 0) throw new Error(last);
  return stdout;
}

function python(models, folder) {
  const script = join(import.meta.dirname, 'check.py');
  const names = models.map(({ name }) => name).join();
  const said = JSON.parse(ask(values.python, [script, folder, names]).trim().split('\n').at(-1));
  const version = `transformers ${said.transformers}, torch ${said.torch}`;
  for (const [name, found] of Object.entries({ ...said.models, vit: said.vit })) {
    const { worst, equal, rows, sameText = true, sameTokens = true, sameLabels = true } = found;
    const isRight = worst <= OURS && equal >= 0.99 && sameText && sameTokens && sameLabels;
    const words = `largest difference ${worst.toFixed(4)}, argmax equal ${equal * rows} of ${rows}`;
    report(`${name}, ${version}`, isRight, `${words}, same text ${sameText}`);
    if (found.onnx !== undefined)
      report(`${name}, onnxruntime (Python)`, found.onnx <= FLOATS, `from torch ${found.onnx}`);
    if (found.gguf !== undefined)
      report(`${name}, gguf (Python)`, found.gguf[0] >= 40, `${found.gguf[0]} tensors`);
  }
  const { worst, equal, rows, sameText, sameTokens } = said.translator;
  const isRight = worst <= OURS && equal >= 0.99 && sameText && sameTokens;
  const words = `largest difference ${worst.toFixed(4)}, argmax equal ${equal * rows} of ${rows}`;
  report(`translator, ${version}`, isRight, `${words}, same translations ${sameText}`);
}

/** The code of docs/export.md, which needs numpy and safetensors alone. */
function pageOfPython(models) {
  const page = readFileSync(join(ROOT, 'docs/export.md'), 'utf8');
  const code = /```python\n([\s\S]*?)```/.exec(page)[1];
  for (const { name, folder, tokens, logits } of models) {
    const script = join(folder, 'page.py');
    const end = `\nprint(json.dumps(logits('.', ${JSON.stringify(tokens)}).tolist()))\n`;
    writeFileSync(script, `${code}${end}`);
    const { stdout, status, stderr, error } = spawnSync(values.python, ['page.py'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (error !== undefined || /No module named/.test(stderr)) throw missing(`${error ?? stderr}`);
    if (status !== 0) throw new Error(stderr);
    const worst = difference(JSON.parse(stdout), logits);
    report(`${name}, docs/export.md in Python`, worst <= OURS, `difference ${worst.toFixed(4)}`);
  }
}

async function ggufPackage(models) {
  const { gguf } = await import('@huggingface/gguf');
  for (const { name, folder, logits } of models) {
    const { metadata, tensorInfos } = await gguf(join(folder, 'model.gguf'), {
      allowLocalFile: true,
    });
    const tokens = metadata['tokenizer.ggml.tokens'].length;
    const isRight = metadata['general.architecture'] === 'gpt2' && tokens === logits[0].length;
    report(
      `${name}, @huggingface/gguf`,
      isRight,
      `${tensorInfos.length} tensors, ${tokens} tokens`,
    );
  }
}

async function wllama(models, folder) {
  if (!existsSync(join(import.meta.dirname, 'node_modules/@wllama')))
    throw missing('not installed: npm run interop -- --install');
  const program = await installChromium().catch((error) => {
    throw missing(error.message);
  });
  const given = models.map(({ name, prompt }) => ({ name, prompt }));
  const answers = await askWllama([program].flat()[0], folder, given, LENGTH);
  for (const [i, { name, text, version }] of answers.entries()) {
    const { continuation, leastMargin } = models[i];
    const isSame = text === continuation;
    const words = `${LENGTH} tokens, same text ${isSame}, least margin ${leastMargin.toFixed(3)}`;
    report(`${name}, wllama (llama.cpp ${version})`, isSame, words);
  }
}

async function onnx(models) {
  for (const model of models) {
    const { whole, rows, version } = await askRuntime(model);
    const ours = difference(whole, model.logits);
    const cache = difference(rows, whole);
    const file = join(model.folder, 'logits.json');
    const torch = existsSync(file)
      ? difference(whole, JSON.parse(readFileSync(file, 'utf8')))
      : undefined;
    const isRight = ours <= OURS && cache <= FLOATS && (torch ?? 0) <= FLOATS;
    const words = `from ours ${ours.toFixed(4)}, one by one ${cache.toExponential(1)}`;
    const more = torch === undefined ? '' : `, from torch ${torch.toExponential(1)}`;
    report(`${model.name}, onnxruntime-web ${version}`, isRight, words + more);
  }
}

async function transformersJs(models) {
  for (const model of models) {
    const { text, areTokensEqual, version } = await askTransformersJs(model, LENGTH);
    const isSame = text === model.text;
    const words = `${LENGTH} tokens, same text ${isSame}, same tokens ${areTokensEqual}`;
    report(`${model.name}, transformers.js ${version}`, isSame && areTokensEqual, words);
  }
}

if (values.install) {
  const words = ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  spawnSync('npm', [...words, '--prefix', import.meta.dirname], { stdio: 'inherit' });
}
const folder = mkdtempSync(join(tmpdir(), 'retrograd-interop-'));
console.log('training six small models');
const models = makeModels(folder);
makeOthers(folder);
await part('transformers', () => python(models, folder));
await part('docs/export.md in Python', () => pageOfPython(models));
await part('@huggingface/gguf', () => ggufPackage(models));
await part('wllama', () => wllama(models, folder));
await part('onnxruntime-web', () => onnx(models));
await part('transformers.js', () => transformersJs(models));
if (values.keep) console.log(`the models are in ${folder}`);
else rmSync(folder, { recursive: true, force: true });
console.log(failed === 0 ? 'every program that ran agrees' : `${failed} disagree`);
process.exitCode = failed === 0 ? 0 : 1;

// The float32 yardstick of `npm run experiment -- translation`: the same model on the same
// sentences in the same order, trained by PyTorch (bench/compare/torch_translate.py), judged by the
// same BLEU. Writes its runs beside those of the experiment, as the cells float32 and float32-bdia.
//
//   node bench/run.mjs translation --data FILE [--cells float32,float32-bdia] [--seeds 1,2,3]
//     [--scale 1] [--out bench/results/experiments] [--python /usr/bin/python3]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../package.json';
import { prepareDirectory, writeAtomically } from '../src/cli/atomic.ts';
import { corpusBleu, createPairBatch, PairData } from '../src/cli/library.ts';
import { settingsOf } from '../src/cli/settings.ts';
import { judgedPairs } from '../src/cli/tasks/translate.ts';
import { environment } from './experiments/environment.ts';
import { deciding } from './experiments/experiment.ts';
import { folderOf, readResult, resultFile } from './experiments/store.ts';
import { readTranslation, translation } from './experiments/translation.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    cells: { type: 'string', default: 'float32,float32-bdia' },
    seeds: { type: 'string', default: '1,2,3' },
    scale: { type: 'string', default: '1' },
    out: { type: 'string', default: 'bench/results/experiments' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});
if (values.data === undefined)
  throw new Error('--data is missing, expected the file of sentence pairs');
const path = values.data;
const scale = Number(values.scale);
const { sha256, train, validation, vocabularies, bleuPairs, steps, checked } =
  await readTranslation(path, scale);
const folder = folderOf(values.out, translation.name, scale);
const { target } = vocabularies;
const cells = values.cells.split(',').map((name) => {
  const cell = translation.cells.find(({ id, madeBy }) => id === name && madeBy !== undefined);
  if (cell === undefined) throw new Error(`--cells names ${name}, which this does not make`);
  return cell;
});

/** Tokens of each pair, its ends included. */
function tokensOf(data: PairData, context: number): number[][][] {
  const rows = createPairBatch(1, context);
  return Array.from({ length: data.count }, (_, pair) => {
    data.copy(pair, 0, rows);
    return [
      [...rows.source.subarray(0, rows.sourceLengths[0])],
      [...rows.target.subarray(0, rows.targetLengths[0])],
    ];
  });
}

/** One run of a cell, unless it is there. */
function run(cell: (typeof cells)[number], seed: number): void {
  const options = checked(cell.options, seed, 1);
  const { batch, learningRate, warmup, weightDecay, reversible } = settingsOf(options);
  const isBdia = reversible === 'bdia';
  const { vocabulary, layers, channels, heads, context, mlpRatio } = options.model.config;
  const kept = {
    ...deciding(options),
    trainPairs: train.count,
    validationPairs: validation.length,
    bleuPairs,
  };
  if (readResult(folder, cell.id, seed, kept, sha256) !== undefined) {
    console.log(`${cell.id}, seed ${seed}: there already`);
    return;
  }
  const judged = judgedPairs(validation, bleuPairs);
  const others = validation.filter((pair) => !judged.includes(pair));
  const ordered = [...judged, ...others];
  const held = PairData.encode(ordered, { ...vocabularies, context });
  const folderOfRun = mkdtempSync(join(tmpdir(), 'retrograd-'));
  const file = join(folderOfRun, 'run.json');
  const began = performance.now();
  writeFileSync(
    file,
    JSON.stringify({
      isBdia,
      vocabulary,
      layers,
      channels,
      heads,
      context,
      hidden: mlpRatio * channels,
      steps,
      batch,
      seed,
      learningRate,
      warmup,
      weightDecay,
      order: Array.from({ length: steps * batch }, (_, i) => train.pairAt(seed, i)),
      train: tokensOf(train, context),
      validation: tokensOf(held, context),
      translate: judged.length,
    }),
  );
  try {
    const script = join(import.meta.dirname, '..', 'bench', 'compare', 'torch_translate.py');
    const printed = execFileSync(values.python, [script, file], {
      env: { PATH: '/usr/bin', OMP_NUM_THREADS: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const { loss, translations, millisecondsPerStep, torch } = JSON.parse(printed) as {
      loss: number;
      translations: number[][];
      millisecondsPerStep: number;
      torch: string;
    };
    const { score: bleu, signature } = corpusBleu(
      translations.map((tokens) => target.decode(tokens)),
      judged.map((pair) => pair.target),
    );
    const result = resultFile({
      experiment: translation.name,
      cell: cell.id,
      label: cell.label,
      seed,
      scale,
      options: kept,
      data: { name: basename(path), sha256 },
      libraryVersion: version,
      found: { final: { loss, bleu }, bleuSignature: signature, millisecondsPerStep, torch },
      environment: environment(1),
      seconds: (performance.now() - began) / 1000,
    });
    writeAtomically(folder, result.file, result.bytes);
    console.log(
      `${cell.id}, seed ${seed}: BLEU ${bleu.toFixed(2)}, validation loss ${loss.toFixed(4)}`,
    );
  } finally {
    rmSync(folderOfRun, { recursive: true });
  }
}

prepareDirectory(folder);
for (const seed of values.seeds.split(',').map(Number)) for (const cell of cells) run(cell, seed);

// The generated blocks of the documents (name -> Markdown) and the charts (file -> SVG).
// docs.mjs puts them in place.

import { claims } from './claims.mjs';
import { channelFigures, codecFigures } from './codec.mjs';
import { imageFigures } from './codec-images.mjs';
import { breakEven, localSteps, schedules, wireBytes, workersSpeed } from './distributed.mjs';
import { flowFigures } from './flows.mjs';
import { BOUNDS, constants, formatRows, ROUNDING_ROWS } from './format-tables.mjs';
import { int8Bounds, int8Bytes } from './int8.mjs';
import { code, count, fenced, table } from './markdown.mjs';
import {
  commands,
  exported,
  glance,
  imported,
  learning,
  learningLarge,
  memory,
  simulation,
  simulationChanges,
  simulationExponents,
  tried,
} from './measured.mjs';
import { memoryChart } from './memory-chart.mjs';
import { foundOf, inBrowsers } from './pages.mjs';
import { papers } from './papers.mjs';
import { receiptFigures } from './receipts.mjs';
import { conformance, conformanceRows } from './runtimes.mjs';
import {
  contract,
  documentedConstants,
  errorBounds,
  exampleOf,
  result,
  run,
  runCli,
  runExperiment,
} from './source.mjs';

// ---- number formats -----------------------------------------------------------------------------

const numberFormats = async () =>
  table(['tensor', 'storage', 'fraction bits', 'step', 'range', 'beyond it'], await formatRows());
const formatConstants = async () => {
  const values = await constants();
  return table(
    ['constant', 'value', 'meaning'],
    documentedConstants('src/memory/formats.ts').map(({ names, doc }) => [
      names.map(code).join(', '),
      names.map((name) => count(values[name])).join('; '),
      doc,
    ]),
    [1],
  );
};
const rounding = async () =>
  table(['rule', 'formula', '-1.5', '-0.5', '0.5', '1.5', 'used for'], await ROUNDING_ROWS());
const bounds = async () => (await BOUNDS()).join('\n');
const largestErrors = () =>
  table(
    ['function', 'largest error allowed', 'test'],
    errorBounds().map(({ what, bound, file }) => [what, code(bound), `[${file}](../${file})`]),
  );

// ---- kernels ------------------------------------------------------------------------------------

const kernels = () =>
  contract()
    .map(({ title, files, kernels: list }) =>
      [
        `### ${title[0].toUpperCase()}${title.slice(1)}`,
        '',
        `${files.map((file) => `[assembly/${file}](../assembly/${file})`).join(', ')}`,
        '',
        table(
          ['kernel', 'computes'],
          list.map(({ name, computes }) => [code(name), computes]),
        ),
      ].join('\n'),
    )
    .join('\n\n');

// ---- the command line and the example -----------------------------------------------------------

/** Examples say `retrograd`, however this program was started here. */
const helpOf =
  (...command) =>
  () =>
    fenced(runCli(...command, '--help').replace(/^ {2}\$ .*?cli\.js /gm, '  $ retrograd '));
const exampleOutput = () => fenced(run('--input-type=module', '--eval', exampleOf('README.md')));

export const BLOCKS = {
  claims,
  conformance,
  'conformance-rows': conformanceRows,
  learning,
  'learning-large': learningLarge,
  imported,
  memory,
  glance,
  commands,
  codec: codecFigures,
  channel: channelFigures,
  'codec-images': imageFigures,
  'wire-bytes': wireBytes,
  'break-even': breakEven,
  'workers-speed': workersSpeed,
  'local-steps': localSteps,
  schedules,
  flows: flowFigures,
  papers,
  receipts: receiptFigures,
  exported,
  tried,
  'example-output': exampleOutput,
  help: helpOf(),
  'help-train-gpt': helpOf('train', 'gpt'),
  'help-receipt-verify': helpOf('receipt', 'verify'),
  'help-receipt-sign': helpOf('receipt', 'sign'),
  'help-receipt-keygen': helpOf('receipt', 'keygen'),
  'help-train-vit': helpOf('train', 'vit'),
  'help-train-translate': helpOf('train', 'translate'),
  ...Object.fromEntries(
    [
      'eval',
      'sample',
      'classify',
      'compress',
      'decompress',
      'test',
      'export',
      'import',
      'inspect',
      'plot',
      'demo',
      'verify',
      'audit',
      'translate',
      'worker',
      'runs',
    ].map((name) => [`help-${name}`, helpOf(name)]),
  ),
  ...Object.fromEntries(
    ['gpt', 'vit', 'translate'].map((kind) => [`help-plan-${kind}`, helpOf('plan', kind)]),
  ),
  'help-experiment': () => fenced(runExperiment('--help')),
  'help-bench': helpOf('bench', 'gpt'),
  'help-bench-vit': helpOf('bench', 'vit'),
  'help-bench-translate': helpOf('bench', 'translate'),
  'number-formats': numberFormats,
  'format-constants': formatConstants,
  rounding,
  bounds,
  'int8-bounds': int8Bounds,
  'int8-bytes': int8Bytes,
  'error-bounds': largestErrors,
  kernels,
  simulation,
  'simulation-exponents': simulationExponents,
  'simulation-changes': simulationChanges,
  'pages-browsers': inBrowsers,
  'pages-digits': foundOf('digits'),
  'pages-playground': foundOf('playground'),
  'pages-volunteer': foundOf('volunteer'),
};

export const CHARTS = { 'memory.svg': () => memoryChart(result('memory')) };

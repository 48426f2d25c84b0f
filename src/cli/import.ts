// retrograd import PATH --out RUN: a model of another program as a run of step 0, whose weights
// `train --init RUN` learns on with, `sample RUN` writes and `classify RUN` sees with.

import { oneLine, quote } from './argv.ts';
import { type Arriving, beside, type ImportValues, named } from './arriving.ts';
import { checkpointPath, holdsCheckpoint } from './files.ts';
import { type FoundFile, foundSource, readJsonFile } from './foreign.ts';
import { count, table } from './format.ts';
import { arrivingGpt2 } from './import-gpt2.ts';
import { arrivingVit } from './import-vit.ts';
import { weightsSha256 } from './inspect.ts';
import {
  checkTrainOptions,
  type Imported,
  type ImportedFormats,
  RetrogradError,
  sha256Hex,
  type Trainer,
  UsageError,
} from './library.ts';
import { Bar, barLine, print, printJson } from './reporters.ts';
import { createTrainer, encodeRun } from './run.ts';
import { RunDirectory } from './run-directory.ts';
import { commandLine, pathWord } from './shell.ts';
import { isLively, terminalColumns } from './terminal.ts';

const STEPS = 1000;

type Config = { readonly formats?: ImportedFormats | undefined };

/** The configuration: of the file, of --config, of a config.json beside it. */
function configOf(found: FoundFile, { config, heads }: ImportValues): object {
  const read = (): unknown => {
    if (config !== undefined) return readJsonFile(config);
    return found.config ?? beside(found, 'config.json');
  };
  return { ...Object(read()), ...(heads !== undefined && { n_head: heads }) };
}

/** Whether it is a vision transformer, or another model that looks at images. */
const isOfImages = ({ source }: FoundFile, config: object): boolean => {
  const { model_type: type, image_size: size } = config as Record<string, unknown>;
  const isNamed = source.tensors.some(({ name }) => /cls_token$|^patch\.weight$/.test(name));
  return type === 'vit' || size !== undefined || isNamed;
};

/** Throws RetrogradError if a value of the text left its range. */
function checkReport({ report }: Pick<Imported, 'report'>): void {
  const wrong = Object.entries(report?.saturated ?? {}).filter(([, channels]) => channels > 0);
  if (wrong.length === 0) return;
  const [[place, channels]] = wrong;
  throw new RetrogradError(
    `${channels} channels of ${place} leave their range, and ${wrong.length - 1} other places: ` +
      'these weights cannot be held',
  );
}

/** Values that the engine clamps on the samples (evaluations count them, predictions do not). */
function clampedOf<Batch>(arriving: Arriving<Config, Batch>, trainer: Trainer<Batch>): number {
  arriving.evaluate(trainer);
  const { saturated, overflowed } = trainer.totals;
  return saturated + overflowed;
}

function checkOut(out: string | undefined): string {
  if (out === undefined)
    throw new UsageError(
      '--out is missing, expected the directory to write',
      'for instance --out run',
    );
  if (holdsCheckpoint(out))
    throw new UsageError(
      `${quote(checkpointPath(out))} exists, expected a directory without a run`,
      'choose another --out',
    );
  return out;
}

/** The command: returns the exit code. */
export async function importModel(path: string, values: ImportValues): Promise<number> {
  const out = checkOut(values.out);
  const found = await named(path, () => foundSource(path));
  try {
    const config = configOf(found, values);
    if (isOfImages(found, config))
      return await importFound(path, await arrivingVit(path, found, config, values), values, out);
    return await importFound(path, await arrivingGpt2(path, found, config, values), values, out);
  } finally {
    found.close();
  }
}

async function importFound<C extends Config, Batch>(
  path: string,
  arriving: Arriving<C, Batch>,
  values: ImportValues,
  out: string,
): Promise<number> {
  const { blocks, kind, known } = arriving;
  const isShown = values.json !== true && isLively();
  const line = (done: number): string =>
    barLine('calibrating', done / blocks, [`${done} of ${blocks} blocks`], terminalColumns());
  const bar = isShown ? new Bar(line, blocks, 0) : undefined;
  const imported = await arriving
    .calibrated((done) => bar?.update(done))
    .finally(() => bar?.close());
  checkReport(imported);
  const trainer = createTrainer(
    { name: kind },
    checkTrainOptions<Batch>({ ...imported.options, batch: 1, steps: STEPS }),
  );
  await named(path, () => imported.load(trainer));
  const saturated = clampedOf(arriving, trainer);
  const dataSha256 = await sha256Hex(new Uint8Array(0));
  const home = RunDirectory.hold(out, '--out');
  try {
    const saved = { vocabulary: known, dataSha256, float32: false };
    for (const { file, bytes } of await encodeRun(trainer as Trainer<never>, saved))
      home.write(file, bytes);
  } finally {
    home.release();
  }
  tell(imported, trainer, { values, saturated, out, arriving });
  return saturated === 0 ? 0 : 1;
}

function tell<C extends Config, Batch>(
  { report, options }: Imported<C, Batch>,
  trainer: Trainer<Batch>,
  {
    values,
    saturated,
    out,
    arriving,
  }: { values: ImportValues; saturated: number; out: string; arriving: Arriving<C, Batch> },
): void {
  const { parameters } = trainer;
  const digest = weightsSha256(trainer.tensors());
  const largest = Math.max(...Object.values(report?.largest ?? {}));
  const outliers = report?.outliers.reduce((a, b) => a + b, 0) ?? 0;
  if (values.json === true) {
    const { formats } = options.model.config;
    const found = {
      saturated,
      residual: report?.residual ?? 0,
      outliers,
      formats: formats ?? null,
    };
    printJson({ event: 'imported', out, parameters, ...found, weightsSha256: digest });
    return;
  }
  const rows = [
    ['parameters', count(parameters)],
    ['calibrated on', arriving.calibratedOn],
    ['largest value', largest.toPrecision(4)],
    ['residual stream', `2^-${report?.residual ?? 0} of its values`],
    ['outlier neurons', count(outliers)],
    ['saturated', count(saturated)],
  ];
  print(table(rows));
  print(`\nin ${oneLine(out)}; SHA-256 of the weights:\n${digest}`);
  const { kind, next } = arriving;
  print(`\nto learn on: ${commandLine('train', kind, '--init', pathWord(out), ...next)}`);
}

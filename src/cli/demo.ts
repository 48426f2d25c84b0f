// retrograd demo, which `npm start` runs: a small GPT on a text that the lock file fixes (the
// declarations of the JavaScript standard library in the pinned TypeScript compiler), and a report
// that compares the weights with the published digest.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import golden from '../verify/published/demo.json';
import { asFlags } from './argv.ts';
import { checkExpected } from './expect.ts';
import { readTextFile } from './files.ts';
import { bytes, count, duration, table } from './format.ts';
import { Interrupts } from './interrupts.ts';
import { gpt } from './kinds/gpt.ts';
import {
  checkTrainOptions,
  type GptTrainer,
  readText,
  sha256Hex,
  type TrainOptions,
  UsageError,
} from './library.ts';
import { runLoop, validate } from './loop.ts';
import { doneEvent, lossChart, type RunSummary, summaryRows } from './report.ts';
import { chooseReporter, print, printJson, printWhole } from './reporters.ts';
import { createTrainer } from './run.ts';
import { generate, promptTokens } from './sample.ts';
import { gptTask } from './tasks/gpt.ts';
import { breakText, terminalColumns } from './terminal.ts';
import { defaultThreads } from './threads.ts';

/** At most 90 s on two cores. After a change: npm run golden. */
const STEPS = 800;
const TEXT = 'node_modules/typescript/lib/lib.es5.d.ts';
const MODEL = { layers: 4, channels: 128, heads: 4, context: 64 };
const BATCH = 12;
const PROMPT = 'interface ';
const SAMPLE_LENGTH = 300;

export interface DemoValues {
  steps?: number;
  threads?: number;
  expect?: string;
  json?: boolean;
}

/** The folder of this package: the one above this file whose package.json bears its name. */
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (
      existsSync(file) &&
      (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'retrograd'
    )
      return folder;
    if (folder === dirname(folder))
      throw new UsageError(
        `no package.json of retrograd above '${start}', expected the repository`,
        'run npm start in a clone of it',
      );
  }
}

function introduce(options: TrainOptions, parameters: number, tokens: number): void {
  const { layers, channels, heads, context } = options.model;
  const text =
    `A GPT of ${layers} layers, ${channels} channels and ${heads} heads ` +
    `(${count(parameters)} weights) ` +
    `learns to write TypeScript declarations, ${options.batch} windows of ${context} ` +
    'characters a step, from ' +
    `${count(tokens)} characters of ${TEXT}. Every number from the character to the updated ` +
    'weight is an integer; ' +
    'no activation is stored: each is rebuilt, exactly.';
  printWhole(`${breakText(text, terminalColumns()).replaceAll('\n  ', '\n')}\n`);
}

/** What the weights' digest says about this machine. */
function verdict(
  digest: string,
  parameters: number,
  steps: number,
  textSha256: string,
): { isSame: boolean | undefined; lines: string } {
  if (steps !== golden.steps)
    return {
      isSame: undefined,
      lines:
        `SHA-256 of the weights after ${steps} steps:\n${digest}\nThe published digest is that ` +
        `of ${golden.steps} steps.`,
    };
  const both = `this machine:\n${digest}\npublished:\n${golden.weightsSha256}`;
  if (digest === golden.weightsSha256)
    return {
      isSame: true,
      lines:
        `SHA-256 of the weights, ${both}\nYour machine computed the same ${count(parameters)} ` +
        'weights, bit for bit.',
    };
  const cause =
    textSha256 === golden.textSha256
      ? 'The text is the same, so the computation is not: please report it.'
      : `The text is another one (SHA-256 ${textSha256}).`;
  return {
    isSame: false,
    lines: `SHA-256 of the weights, ${both}\nTHE WEIGHTS DIFFER from the published ones. ${cause}`,
  };
}

function report(summary: RunSummary, trainer: GptTrainer, text: string, lines: string): void {
  const { history, validation } = summary;
  const { plan, totals } = trainer;
  const kept = plan.bytes.states + plan.bytes.sideBits;
  printWhole(`\n${lossChart(history, terminalColumns())}\n`);
  print(`What it writes now, beginning with "${PROMPT.trim()}":\n`);
  printWhole(
    `${`${PROMPT}${text}`
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n')}\n`,
  );
  print(
    `${count(history.losses.length)} steps in ${duration(history.milliseconds / 1000)}. ` +
      `Guessing among ${trainer.options.model.vocabulary} characters costs ` +
      `${Math.log(trainer.options.model.vocabulary).toFixed(2)} nats each; this model, on text ` +
      `it never saw, ${validation?.loss.toFixed(2)}.`,
  );
  print(
    `Rebuilt ${count(totals.checkedStates)} activation states on the way back and compared ` +
      `each with the way forward: ${count(totals.mismatchedElements)} elements differed.`,
  );
  print(
    `Activations took ${bytes(kept)}; storing them would take ` +
      `${bytes(plan.storedStatesWouldBe)}, and more with every layer.\n`,
  );
  print(
    `${table(summaryRows(summary).filter(([name]) => name === 'training loss' || name === 'validation loss' || name === 'speed' || name === 'all memory'))}\n`,
  );
  print(lines);
}

export async function demo(values: DemoValues): Promise<number> {
  const path = join(packageRoot(), TEXT);
  if (!existsSync(path))
    throw new UsageError(
      `the text '${TEXT}' is missing, expected the installed packages`,
      'run npm start, which installs them',
    );
  const file = readTextFile(path);
  const textSha256 = await sha256Hex(file);
  const data = readText(file, { context: MODEL.context, what: TEXT });
  const threads = values.threads ?? defaultThreads(BATCH);
  const options = asFlags(['threads'], () =>
    checkTrainOptions({
      model: { ...MODEL, vocabulary: data.vocabulary.size },
      batch: BATCH,
      steps: values.steps ?? STEPS,
      threads,
    }),
  );
  const trainer = createTrainer(gpt, options);
  const task = gptTask(trainer, data);
  const interrupts = new Interrupts();
  const reporter = chooseReporter(values.json === true, {
    from: 0,
    to: options.steps,
    unit: task.unit,
    unitsPerStep: task.unitsPerStep,
  });
  try {
    reporter.plan(trainer.plan);
    if (values.json !== true) introduce(options, trainer.parameters, data.train.length);
    const history = await runLoop({
      task,
      until: options.steps,
      validateEvery: Math.ceil(options.steps / 4),
      saveEvery: 0,
      save: async () => undefined,
      reporter,
      interrupts,
    });
    const validation = await validate({ task, reporter, interrupts }, history, 'final');
    reporter.close();
    if (interrupts.exitCode !== undefined) {
      if (values.json !== true)
        print(`interrupted after step ${trainer.steps} of ${options.steps}`);
      return interrupts.exitCode;
    }
    const summary = { task, history, validation, weightsSha256: await trainer.weightsSha256() };
    const { isSame, lines } = verdict(
      summary.weightsSha256,
      trainer.parameters,
      options.steps,
      textSha256,
    );
    if (values.json === true) {
      printJson({
        ...doneEvent(summary),
        textSha256,
        publishedSha256: golden.weightsSha256,
        isSame: isSame ?? null,
      });
    } else {
      const text = data.vocabulary.decode(
        generate(trainer, promptTokens(data.vocabulary, PROMPT), {
          length: SAMPLE_LENGTH,
          temperature: 0.6,
          seed: 1,
        }),
      );
      report(summary, trainer, text, lines);
    }
    checkExpected('the weights have', summary.weightsSha256, values.expect);
    return isSame === false ? 1 : 0;
  } finally {
    reporter.close();
    interrupts.release();
    trainer.close();
  }
}

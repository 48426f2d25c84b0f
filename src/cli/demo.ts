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
  Generator,
  gpt as model,
  readText,
  sha256Hex,
  type TextData,
  UsageError,
} from './library.ts';
import { runLoop, validate } from './loop.ts';
import { doneEvent, lossChart, type RunSummary, summaryRows } from './report.ts';
import { chooseReporter, print, printJson, printWhole, type Reporter } from './reporters.ts';
import { createTrainer } from './run.ts';
import { promptTokens } from './sample.ts';
import { optionsOf } from './settings.ts';
import { gptTask } from './tasks/gpt.ts';
import type { Task } from './tasks/task.ts';
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

/** Whether a folder is that of this package: its package.json bears the name. */
function isPackage(folder: string): boolean {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return false;
  const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string };
  return name === 'retrograd';
}

/** The folder of this package: the nearest one above this file. */
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (isPackage(folder)) return folder;
    if (folder === dirname(folder))
      throw new UsageError(
        `no package.json of retrograd above '${start}', expected the repository`,
        'run npm start in a clone of it',
      );
  }
}

function introduce(parameters: number, tokens: number): void {
  const { layers, channels, heads, context } = MODEL;
  const text =
    `A GPT of ${layers} layers, ${channels} channels and ${heads} heads ` +
    `(${count(parameters)} weights) ` +
    `learns to write TypeScript declarations, ${BATCH} windows of ${context} ` +
    'characters a step, from ' +
    `${count(tokens)} characters of ${TEXT}. Every number from the character to the updated ` +
    'weight is an integer; ' +
    'no activation is stored: each is rebuilt, exactly.';
  printWhole(`${breakText(text, terminalColumns()).replaceAll('\n  ', '\n')}\n`);
}

interface Verdict {
  /** Undefined if nothing is published to compare with. */
  isSame: boolean | undefined;
  lines: string;
}

/** What the weights' digest says about this machine. */
function verdict({ weightsSha256, task }: RunSummary, steps: number, textSha256: string): Verdict {
  if (steps !== golden.steps) {
    const lines =
      `SHA-256 of the weights after ${steps} steps:\n${weightsSha256}\nThe published digest is ` +
      `that of ${golden.steps} steps.`;
    return { isSame: undefined, lines };
  }
  const both = `this machine:\n${weightsSha256}\npublished:\n${golden.weightsSha256}`;
  const isSame = weightsSha256 === golden.weightsSha256;
  const parameters = count(task.trainer.parameters);
  const same = `Your machine computed the same ${parameters} weights, bit for bit.`;
  const cause =
    textSha256 === golden.textSha256
      ? 'The text is the same, so the computation is not: please report it.'
      : `The text is another one (SHA-256 ${textSha256}).`;
  const different = `THE WEIGHTS DIFFER from the published ones. ${cause}`;
  return { isSame, lines: `SHA-256 of the weights, ${both}\n${isSame ? same : different}` };
}

/** Rows of the summary that are shown. */
const SHOWN = ['training loss', 'validation loss', 'speed', 'all memory'];

function report(summary: RunSummary, vocabulary: number, text: string): void {
  const { history, validation, task } = summary;
  const { plan, totals } = task.trainer;
  const kept = plan.bytes.states + plan.bytes.sideBits;
  printWhole(`\n${lossChart(history, terminalColumns())}\n`);
  print(`What it writes now, beginning with "${PROMPT.trim()}":\n`);
  const lines = `${PROMPT}${text}`.split('\n').map((line) => `    ${line}`);
  printWhole(`${lines.join('\n')}\n`);
  print(
    `${count(history.losses.length)} steps in ${duration(history.milliseconds / 1000)}. ` +
      `Guessing among ${vocabulary} characters costs ` +
      `${Math.log(vocabulary).toFixed(2)} nats each; this model, on text ` +
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
  print(`${table(summaryRows(summary).filter(([name]) => SHOWN.includes(name)))}\n`);
}

interface DemoText extends TextData {
  sha256: string;
}

async function readDemoText(): Promise<DemoText> {
  const path = join(packageRoot(), TEXT);
  if (!existsSync(path))
    throw new UsageError(
      `the text '${TEXT}' is missing, expected the installed packages`,
      'run npm start, which installs them',
    );
  const file = readTextFile(path);
  const sha256 = await sha256Hex(file);
  return { ...readText(file, { context: MODEL.context, what: TEXT }), sha256 };
}

/** Trains to the end and validates; undefined if interrupted. */
async function train(
  task: Task,
  reporter: Reporter,
  interrupts: Interrupts,
): Promise<RunSummary | undefined> {
  const { trainer } = task;
  const { steps } = trainer.options;
  const history = await runLoop({
    task,
    until: steps,
    validateEvery: Math.ceil(steps / 4),
    saveEvery: 0,
    save: async () => undefined,
    reporter,
    interrupts,
  });
  const validation = await validate({ task, reporter, interrupts }, history, 'final');
  reporter.close();
  if (interrupts.exitCode !== undefined) return undefined;
  return { task, history, validation, weightsSha256: await trainer.weightsSha256() };
}

export async function demo(values: DemoValues): Promise<number> {
  const data = await readDemoText();
  const { vocabulary } = data;
  const options = asFlags(['threads'], () =>
    optionsOf(model, {
      model: { ...MODEL, vocabulary: vocabulary.size },
      batch: BATCH,
      steps: values.steps ?? STEPS,
      threads: values.threads ?? defaultThreads(BATCH),
    }),
  );
  const { steps } = options;
  const isJson = values.json === true;
  const trainer = createTrainer(gpt, options);
  const task = gptTask(trainer, data);
  const { unit, unitsPerStep } = task;
  const interrupts = new Interrupts();
  const reporter = chooseReporter(isJson, { from: 0, to: steps, unit, unitsPerStep });
  try {
    reporter.plan(trainer.plan, { kernels: trainer.kernels });
    if (!isJson) introduce(trainer.parameters, data.train.length);
    const summary = await train(task, reporter, interrupts);
    if (summary === undefined) {
      if (!isJson) print(`interrupted after step ${trainer.steps} of ${steps}`);
      return interrupts.exitCode ?? 1;
    }
    const { isSame, lines } = verdict(summary, steps, data.sha256);
    if (isJson) {
      const published = { textSha256: data.sha256, publishedSha256: golden.weightsSha256 };
      printJson({ ...doneEvent(summary), ...published, isSame: isSame ?? null });
    } else {
      const prompt = promptTokens(vocabulary, PROMPT);
      const generator = Generator.create(trainer, { codec: vocabulary });
      const options = { maxTokens: SAMPLE_LENGTH, temperature: 0.6, seed: 1 };
      let text = '';
      for await (const piece of generator.generate(prompt, options)) text += piece.text;
      report(summary, vocabulary.size, text);
      print(lines);
    }
    checkExpected('the weights have', summary.weightsSha256, values.expect);
    return isSame === false ? 1 : 0;
  } finally {
    reporter.close();
    interrupts.release();
    trainer.close();
  }
}

// The command line: which commands there are, and how each ends. Exit code 0: done; 1: a check
// failed or a file is damaged; 2: wrong use. An error is one line on stderr: what was given, what
// is expected, a hint. Never a stack trace.

import { Command, CommanderError, Help } from 'commander';
import { version } from '../../package.json';
import { as, choice, JSON_OPTION, number, oneLine, wholeNumber } from './argv.ts';
import { bench } from './bench/bench.ts';
import { addClassify } from './classify.ts';
import { addCodec } from './codec/commands.ts';
import { demo } from './demo.ts';
import { addDistributed } from './distributed/commands.ts';
import { evaluate } from './evaluate.ts';
import { EXAMPLES } from './examples.ts';
import { digestOf } from './expect.ts';
import { addExport } from './export-command.ts';
import { addImport } from './import-command.ts';
import { inspect } from './inspect.ts';
import { KINDS } from './kinds/kinds.ts';
import { bleuRow, pairRows } from './kinds/translate.ts';
import { RetrogradError, UsageError } from './library.ts';
import { addBenchOptions, addRows, addRunOptions, givenNames } from './options.ts';
import { write, writeError } from './output.ts';
import { plan } from './plan.ts';
import { plot } from './plot/plot.ts';
import { addReceipt } from './receipt/commands.ts';
import type { Row } from './rows.ts';
import { sample } from './sample.ts';
import { commandLine, programName, rememberWords } from './shell.ts';
import { breakError, breakText } from './terminal.ts';
import { train } from './train.ts';
import { translate } from './translate.ts';
import { verifyRuntime } from './verify.ts';

/** What `train` does, by kind of model. */
const TRAINS = {
  gpt: 'train a GPT on a text',
  vit: 'train a vision transformer to classify images',
  translate: 'train a translator on pairs of sentences',
};

const EXPECT_OPTION: Row = [
  '--expect <sha>',
  'exit with 1 if the weights have another SHA-256, for CI',
  digestOf,
];

/** Below this many columns an option's description is below it. */
const NARROW = 60;
const INDENT = 6;

/** An option of a help text. */
function formatItem(
  this: Help,
  term: string,
  termWidth: number,
  description: string,
  helper: Help,
): string {
  const { helpWidth = 80 } = helper;
  if (helpWidth >= NARROW || description === '')
    return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
  const indent = ' '.repeat(INDENT);
  const text = breakText(indent + description, helpWidth).replace(/\n */g, `\n${indent}`);
  return `  ${term}\n${text}`;
}

/** A command whose errors and help texts are written here. */
export const newCommand = (name: string): Command =>
  new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => undefined, outputError: () => undefined })
    .configureHelp({ formatItem });

/** The commands; `finish` receives the exit code of the one that ran. */
function createProgram(finish: (code: number) => void): Command {
  const program = newCommand('retrograd')
    .description(
      'Trains transformers in integers only: exactly reversible, the same bits on every machine.',
    )
    .version(version)
    .addHelpText('after', () =>
      ['\nExamples:', ...EXAMPLES.map((words) => `  $ ${commandLine(...words)}`)].join('\n'),
    );

  const training = program.command('train').description('train a model');
  for (const kind of KINDS)
    addRunOptions(training.command(kind.name).description(TRAINS[kind.name]), kind.rows).action(
      async (values, command: Command) => finish(await train(kind, values, givenNames(command))),
    );

  addRows(
    program
      .command('eval')
      .description('loss of a saved model on data: its own held-out part, or other data')
      .argument('<DIR>', 'directory of a run')
      .option('-t, --text <file>', 'of a GPT: text to evaluate on')
      .option('-d, --data <dir>', 'of a vision transformer: images to evaluate on'),
    [
      ...pairRows,
      bleuRow,
      ['--gamma <x>', 'of inference: 0, +-0.125, +-0.25 or +-0.5 (0)', number],
      EXPECT_OPTION,
    ],
  )
    .option(
      '--part <part>',
      'all of the text, or its validation part (validation for the training text, else all)',
      choice('--part', 'all', 'validation') as (given: string) => string,
    )
    .option(
      '-j, --threads <n>',
      'threads (those of this machine, at most 4); same bits',
      as(number('--threads')),
    )
    .option(...JSON_OPTION)
    .action(async (directory: string, values, command: Command) =>
      finish(await evaluate(directory, values, givenNames(command))),
    );

  program
    .command('sample')
    .description('text from a saved model')
    .argument('<DIR>', 'directory of a run')
    .option('-p, --prompt <text>', 'how the text begins (a line break)')
    .option('--length <n>', 'tokens to write (400)', as(wholeNumber('--length', 1, 1_000_000)))
    .option(
      '--temperature <x>',
      '0: always the most likely token; 1: as the model says (0.8)',
      as(number('--temperature')),
    )
    .option(
      '--top-k <n>',
      'only the n most likely tokens (all)',
      as(wholeNumber('--top-k', 1, 65536)),
    )
    .option(
      '--top-p <x>',
      'only the fewest most likely tokens that have this probability together (1)',
      as(number('--top-p')),
    )
    .option(
      '--min-p <x>',
      "only tokens with this share of the most likely one's probability (0)",
      as(number('--min-p')),
    )
    .option(
      '--repetition-penalty <x>',
      'makes tokens that were there less likely, 1 to 16 (1)',
      as(number('--repetition-penalty')),
    )
    .option('--stop <text>', 'ends the text and is not part of it; can be given more than once', ((
      text: string,
      all: readonly string[] = [],
    ) => [...all, text]) as unknown as (given: string) => string)
    .option(
      '--slide <n>',
      'tokens that leave the context when it is full; more are faster (1)',
      as(wholeNumber('--slide', 1, 65536)),
    )
    .option(
      '-s, --seed <n>',
      'of the draws (1)',
      as(wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER)),
    )
    .option(...JSON_OPTION)
    .action(async (directory: string, values) => finish(await sample(directory, values as never)));

  addClassify(program, finish);
  addCodec(program, finish);
  addExport(program, finish);
  addImport(program, finish);
  addReceipt(program, finish);
  addDistributed(program, finish);

  program
    .command('inspect')
    .description('what a checkpoint holds')
    .argument('<DIR>', 'directory of a run')
    .option('--tensors', 'every tensor too: shape, format, range')
    .option(...JSON_OPTION)
    .action(async (directory: string, values) => finish(await inspect(directory, values)));

  const planning = program
    .command('plan')
    .description('memory of a training run, without running it');
  for (const kind of KINDS)
    addRunOptions(
      planning
        .command(kind.name)
        .description(`memory of \`train ${kind.name}\` with the same options`),
      kind.rows,
      true,
    ).action(async (values) => finish(await plan(kind, values)));

  const benching = program
    .command('bench')
    .description(
      'how fast this machine trains: matrix products and training steps on made-up data',
    );
  for (const kind of KINDS)
    addBenchOptions(
      benching
        .command(kind.name, { isDefault: kind === KINDS[0] })
        .description(`a step of \`train ${kind.name}\` with the same options`),
      kind.rows,
    ).action(async (values) => finish(await bench(kind, values)));

  program
    .command('demo')
    .description(
      'train a small GPT and compare its weights with the published digest (about a minute)',
    )
    .option(
      '-n, --steps <n>',
      'fewer or more steps than the published run',
      as(wholeNumber('--steps', 1, 2 ** 31 - 1)),
    )
    .option(
      '-j, --threads <n>',
      'threads; any number gives the same weights (those of this machine, at most 4)',
      as(number('--threads')),
    )
    .option('--expect <sha>', EXPECT_OPTION[1], digestOf('--expect'))
    .option(...JSON_OPTION)
    .action(async (values) => finish(await demo(values)));

  program
    .command('verify')
    .description(
      'known answers of every kernel and short training runs on this runtime, against the ' +
        'published digests (a few seconds)',
    )
    .option(
      '--expect <sha>',
      'exit with 1 if the digest of all known answers is another, for CI',
      digestOf('--expect'),
    )
    .option(...JSON_OPTION)
    .action((values) => finish(verifyRuntime(values)));

  program
    .command('translate')
    .description('sentences translated by a saved model')
    .argument('<DIR>', 'directory of a run')
    .option('-t, --text <sentence>', 'what to translate')
    .option('--file <file>', 'instead of --text: a sentence on each line; may be gzipped')
    .option(
      '--beam <n>',
      'translations looked at side by side; 1: the most probable token each time (4)',
      as(wholeNumber('--beam', 1, 1000)),
    )
    .option(...JSON_OPTION)
    .action(async (directory: string, values) => finish(await translate(directory, values)));

  program
    .command('plot')
    .description('loss curves of runs: in the terminal, as an SVG file, as a table')
    .argument('<DIR...>', 'directories of runs, or logs')
    .option(
      '--curve <which>',
      'training, validation or both (of one run both, of several training)',
      choice('--curve', 'training', 'validation', 'both') as (given: string) => string,
    )
    .option('--svg <file>', 'draw into this file instead')
    .option(
      '--csv',
      'a row a step instead: loss, validation loss, gradient norm, learning rate, time',
    )
    .option(...JSON_OPTION)
    .action((directories: string[], values) => finish(plot(directories, values)));

  return program;
}

/** The deepest command that the words name, for its --help. */
function commandOf(program: Command, words: readonly string[]): Command {
  const next = program.commands.find((command) => command.name() === words[0]);
  return next === undefined ? program : commandOf(next, words.slice(1));
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
/** The words after the program's name that name a command. */
const wordsOf = (command: Command): string[] =>
  command.parent === null ? [] : [...wordsOf(command.parent), command.name()];
/** The whole command that shows a command's help. */
const helpHint = (command: Command): string => `see ${commandLine(...wordsOf(command), '--help')}`;

/** Commander's error as our line: given, expected, hint. */
function explain(error: CommanderError, program: Command, words: readonly string[]): UsageError {
  const command = commandOf(program, words);
  const help = helpHint(command);
  const expected =
    command.commands.length > 0
      ? `one of ${command.commands.map((c) => c.name()).join(', ')}`
      : `an option of '${pathOf(command)}'`;
  if (error.code === 'commander.help')
    return new UsageError(`'${pathOf(command)}' is not complete, expected ${expected}`, help);
  const [, given, suggestion] = /^(?:error: )?(.*?)\.?(?:\n\(Did you mean (.*)\?\))?$/s.exec(
    error.message.replace(/'--?\w+, --/, "'--"),
  ) as RegExpExecArray;
  const missing: Record<string, string> = {
    'commander.unknownOption': `, expected ${expected}`,
    'commander.unknownCommand': `, expected ${expected}`,
    'commander.optionMissingArgument': ', expected a value',
    'commander.missingArgument': ', expected it',
  };
  const tail = missing[error.code] ?? '';
  return new UsageError(
    given + tail,
    suggestion === undefined ? help : `did you mean ${suggestion}?`,
  );
}

/** One line on stderr; a terminal shows it broken between words. */
const complain = (line: string): void =>
  writeError(
    `${process.stderr.isTTY ? breakError(line, programName(), process.stderr.columns) : line}\n`,
  );

function fail(error: unknown, hint: string): number {
  if (process.env.RETROGRAD_DEBUG === '1' && error instanceof Error) writeError(`${error.stack}\n`);
  if (error instanceof RetrogradError) {
    const line =
      error.hint === undefined && error instanceof UsageError
        ? `${error.message}. HINT: ${hint}`
        : error.message;
    complain(`retrograd: ${oneLine(line)}`);
    return error instanceof UsageError ? 2 : 1;
  }
  const message = error instanceof Error ? error.message : String(error);
  complain(
    `retrograd: unexpected: ${oneLine(message)}. HINT: set RETROGRAD_DEBUG=1 to see where, ` +
      'and please report it',
  );
  return 1;
}

/** Runs the command that the words name; returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  return runProgram(createProgram, words);
}

/** Runs a command; returns the exit code that it finished with, or that of its error. */
export async function runProgram(
  create: (finish: (code: number) => void) => Command,
  words: readonly string[],
): Promise<number> {
  let code = 0;
  const program = create((result) => {
    code = result;
  });
  try {
    rememberWords(words);
    if (words.length === 0 && program.commands.length > 0) program.outputHelp();
    else await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(error, helpHint(commandOf(program, words)));
    return error.exitCode === 0 ? 0 : fail(explain(error, program, words), '');
  }
}

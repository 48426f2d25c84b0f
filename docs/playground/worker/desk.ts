// Answers the page's questions: holds the text and the run.

import {
  type Checkpoint,
  CheckpointError,
  checkTrainOptions,
  decodeCheckpoint,
  plan,
  type TextBatch,
  Trainer,
  type TrainOptions,
  UsageError,
  Vocabulary,
} from 'retrograd';
import type { Answer, Event, Given, Memory, Question, RuleMemory } from '../protocol.ts';
import { RULES, type Settings } from '../settings.ts';
import { journey } from './journey.ts';
import {
  checkContext,
  infoOf,
  inVocabulary,
  type LearnedText,
  readLearned,
} from './learned-text.ts';
import { optionsOf, settingsOf, withThreads } from './options.ts';
import { Run } from './run.ts';

type Handlers = { [Q in Question]: (given: Given<Q>) => Answer<Q> | Promise<Answer<Q>> };

export class Desk {
  private text: LearnedText | undefined;
  private run: Run | undefined;
  /** Texts that were given so far. */
  private turn = 0;

  constructor(private readonly emit: (event: Event) => void) {}

  readonly handlers: Handlers = {
    text: async ({ name, bytes }) => {
      const turn = ++this.turn;
      const text = await readLearned(name, bytes);
      if (turn === this.turn) this.text = text; // else another one was given meanwhile
      return infoOf(text);
    },
    plan: ({ settings }) => this.memoryOf(settings),
    compareRules: ({ settings }) => RULES.map((rule) => this.ruleMemory({ ...settings, rule })),
    start: ({ settings, threads }) => {
      const text = this.textFor(settings.context);
      const options = { ...optionsOf(settings, text.vocabulary.size), ...withThreads(threads) };
      const info = this.begin(Trainer.create(options), settings, text);
      this.run?.go();
      return info;
    },
    load: ({ file, threads }) => this.load(file, threads),
    pause: () => this.running().pause(),
    resume: () => {
      const run = this.running();
      run.go();
      return { step: run.trainer.steps };
    },
    stop: () => this.running().end(),
    save: () => this.running().save(),
    textFile: () => ({ bytes: this.given().bytes }),
    write: async ({ prompt, tokens }) => {
      const run = this.running();
      return { step: run.trainer.steps, text: await run.write(prompt, tokens) };
    },
    journey: (given) => {
      const text = this.textFor(given.settings.context);
      return journey({ ...given, text, trainer: this.weightsFor(given.settings) });
    },
  };

  private given(): LearnedText {
    if (this.text === undefined) throw new UsageError('there is no text yet', 'choose one');
    return this.text;
  }

  private textFor(context: number): LearnedText {
    const text = this.given();
    checkContext(text, context);
    return text;
  }

  private running(): Run {
    if (this.run === undefined) throw new UsageError('nothing has been trained yet', 'press Train');
    return this.run;
  }

  /** The run at hand, if it is of such a model. */
  private weightsFor(settings: Settings): Trainer<TextBatch> | undefined {
    const { run } = this;
    if (run === undefined || run.text.sha256 !== this.text?.sha256) return undefined;
    const shape = ({ layers, channels, heads, context, rule }: Settings): string =>
      [layers, channels, heads, context, rule].join(' ');
    return shape(run.settings) === shape(settings) ? run.trainer : undefined;
  }

  private memoryOf(settings: Settings): Memory {
    const text = this.textFor(settings.context);
    const found = plan(optionsOf(settings, text.vocabulary.size));
    const { bytes, total, storedStatesWouldBe: stored, parameters } = found;
    return { bytes, total, stored, parameters };
  }

  private ruleMemory(settings: Settings): RuleMemory {
    const { bytes } = this.memoryOf(settings);
    return { rule: settings.rule, states: bytes.states, sideBits: bytes.sideBits };
  }

  private begin(trainer: Trainer<TextBatch>, settings: Settings, text: LearnedText): Run['info'] {
    this.run?.close();
    this.run = new Run(trainer, settings, text, this.emit);
    return this.run.info;
  }

  /** The text of a checkpoint: the one at hand, or one that comes with the page. */
  private async textOf({ dataSha256, vocabulary }: Checkpoint): Promise<LearnedText> {
    const known = Vocabulary.fromJson(vocabulary);
    if (known === undefined)
      throw new CheckpointError('its tokens are not characters or bytes', 'use the command line');
    for (const text of [this.text, await readLearned('stories'), await readLearned('sums')])
      if (text?.sha256 === dataSha256) return inVocabulary(text, known);
    throw new UsageError(
      `the run has learned another text, of SHA-256 ${dataSha256.slice(0, 16)}…`,
      'give the page that text first, then the checkpoint again',
    );
  }

  private async load(file: Uint8Array, threads: number): Promise<Run['info']> {
    const checkpoint = await decodeCheckpoint(file);
    const text = await this.textOf(checkpoint);
    const settings = settingsOf(checkpoint.options, text.name);
    checkContext(text, settings.context);
    const options = { ...checkpoint.options, ...withThreads(threads) } as TrainOptions<TextBatch>;
    const trainer = Trainer.create(checkTrainOptions(options));
    trainer.restore(checkpoint.tensors, checkpoint.step);
    this.turn++;
    this.text = text;
    return this.begin(trainer, settings, text);
  }
}

// Answers the page's questions: holds the set and the run.

import { Trainer, UsageError } from 'retrograd';
import packed from '../data/optdigits.gz';
import { pictureOf } from '../picture.ts';
import type { Asked, Event, Question, Sight } from '../protocol.ts';
import { readSet } from '../set.ts';
import { optionsOf } from '../settings.ts';
import { distanceOf, hasForm, verdictOf } from '../strange.ts';
import { Run } from './run.ts';

type Handlers = {
  [Q in Question]: (given: Asked[Q]['given']) => Asked[Q]['answer'] | Promise<Asked[Q]['answer']>;
};

/** What changes no bit: the threads, and how they are started in a bundle. */
const withThreads = (threads: number) => ({
  threads,
  worker: () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module' }),
});

export class Desk {
  private readonly set = readSet(packed);
  private run: Run | undefined;

  constructor(private readonly emit: (event: Event) => void) {}

  readonly handlers: Handlers = {
    start: async ({ settings, threads }) => {
      const set = await this.set;
      const trainer = Trainer.create({ ...optionsOf(settings), ...withThreads(threads) });
      this.run?.close();
      this.run = new Run(trainer, settings, set, this.emit);
      this.run.go();
      return this.run.info;
    },
    pause: () => this.running().pause(),
    resume: () => {
      const run = this.running();
      run.go();
      return { step: run.trainer.steps };
    },
    stop: () => this.running().end(),
    look: async ({ strokes, pad }): Promise<Sight> => {
      const { known } = await this.set;
      const step = this.run?.trainer.steps ?? 0;
      const picture = hasForm(strokes, pad) ? pictureOf(strokes) : undefined;
      const nothing = { probabilities: undefined, distance: undefined, step };
      if (picture === undefined)
        return { ...nothing, picture, verdict: strokes.length === 0 ? 'nothing' : 'small' };
      const distance = distanceOf(picture, known);
      const probabilities = step === 0 ? undefined : this.run?.see(picture);
      const verdict = verdictOf(distance, probabilities);
      return { picture, probabilities, distance, verdict, step };
    },
  };

  private running(): Run {
    if (this.run === undefined) throw new UsageError('nothing has been trained yet', 'press Train');
    return this.run;
  }
}

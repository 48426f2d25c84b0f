// Starts a run, shows how it goes, pauses and ends it.

import { Curve } from '../../../playground/curve.ts';
import { count } from '../../../playground/format.ts';
import { Chart } from '../../../playground/page/chart.ts';
import { at, copyBy, make, say } from '../../../playground/page/dom.ts';
import { Pace } from '../../../playground/page/pace.ts';
import { Session, threadsFor } from '../../../playground/page/session.ts';
import { attempt, showTrouble } from '../../../playground/page/trouble.ts';
import type { Asked, Event, RunInfo } from '../protocol.ts';
import { BATCH, fromHash, LENGTHS, type Settings, toHash } from '../settings.ts';
import { verdictOf } from './verdict.ts';

type State = 'idle' | 'running' | 'paused' | 'ended';
type Heard<K extends Event['kind']> = Extract<Event, { kind: K }>;

const LINES = [
  { label: 'training', colour: '--curve-faint', width: 1 },
  { label: 'training, smoothed', colour: '--curve', width: 2 },
  { label: 'unseen digits', colour: '--judged', width: 2, hasDots: true },
];
/** More threads than this wait for each other longer than a step of this size takes. */
const MOST_THREADS = 4;

export class TrainView {
  readonly session = new Session<Asked, Event>((event) => this.take(event));
  private readonly chart = new Chart(at('chart'), LINES, 'loss, nats an image');
  private state: State = 'idle';
  private settings: Settings;
  /** The digest that the address promises. */
  private linked: string | undefined;
  private readonly problems: readonly string[];
  private readonly starts: boolean;
  private info: RunInfo | undefined;
  private curve = new Curve();
  private judged = { steps: [] as number[], values: [] as number[] };
  private pace = new Pace();

  /** `changed` hears that the weights are others than before. */
  constructor(private readonly changed: () => void) {
    const { settings, digest, problems, starts } = fromHash(location.hash);
    this.settings = settings;
    this.linked = digest;
    this.bindButtons();
    this.bindSettings();
    this.enter('idle');
    this.problems = problems;
    this.starts = starts;
  }

  /** Begins at once if the address says so; says what of it could not be taken. */
  async begin(): Promise<void> {
    if (this.starts) await this.start();
    if (this.problems.length > 0) showTrouble(new Error(this.problems.join('; ')));
  }

  private bindButtons(): void {
    const on = (id: string, work: () => unknown): void =>
      at(id).addEventListener('click', () => attempt(work));
    on('start', () => this.start());
    on('pause', () => this.pause());
    on('resume', () => this.resume());
    on('stop', () => this.session.ask('stop', {}));
    on('copy-link', () => copyBy(at('copy-link'), location.href));
    on('copy-digest', () => copyBy(at('copy-digest'), at('digest').textContent ?? ''));
  }

  private bindSettings(): void {
    const select = at<HTMLSelectElement>('steps');
    const { steps, seed } = this.settings;
    const lengths = [...new Set([...LENGTHS, steps])].sort((a, b) => a - b);
    select.append(...lengths.map((value) => make('option', { value }, count(value))));
    select.value = String(steps);
    const field = at<HTMLInputElement>('seed');
    field.value = String(seed);
    select.addEventListener('change', () => this.set({ steps: Number(select.value) }));
    field.addEventListener('change', () => {
      const { valueAsNumber: wanted } = field;
      if (Number.isSafeInteger(wanted) && wanted >= 0) return this.set({ seed: wanted });
      const hint = 'take a whole number from 0 on';
      showTrouble(Object.assign(new Error('the seed is no whole number'), { hint }));
      field.value = String(this.settings.seed);
    });
  }

  /** Another run: a digest of the one before is not its own. */
  private set(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change };
    this.linked = undefined;
    history.replaceState(null, '', `#${toHash(this.settings)}`);
  }

  private async start(): Promise<void> {
    const { settings } = this;
    // with all of two processors it learns no sooner, as steps are short, and the page loses frames
    const threads = Math.min(MOST_THREADS, threadsFor(BATCH, 1));
    this.info = await this.session.ask('start', { settings, threads });
    this.curve = new Curve();
    this.judged = { steps: [], values: [] };
    this.pace = new Pace();
    at('result').hidden = true;
    say(at('accuracy'), '–');
    this.progress(0, this.info.threads);
    this.pace.restart(performance.now());
    this.enter('running');
  }

  private async resume(): Promise<void> {
    this.pace.restart(performance.now());
    await this.session.ask('resume', {});
    this.enter('running');
  }

  private async pause(): Promise<void> {
    const { step } = await this.session.ask('pause', {});
    if (this.state === 'ended') return;
    this.enter('paused');
    say(at('state'), `paused after step ${step}`);
  }

  private take(event: Event): void {
    if (event.kind === 'steps') this.takeSteps(event);
    else if (event.kind === 'judged') this.takeJudged(event);
    else if (event.kind === 'end') this.end(event);
    else this.fail(event);
  }

  private takeSteps({ step, losses, threads }: Heard<'steps'>): void {
    losses.forEach((loss, i) => {
      this.curve.add(step - losses.length + 1 + i, loss);
    });
    this.pace.take(losses.length, performance.now());
    this.draw();
    this.progress(step, threads);
    this.changed();
  }

  private takeJudged({ step, loss, accuracy, images }: Heard<'judged'>): void {
    this.judged.steps.push(step);
    this.judged.values.push(loss);
    const right = Math.round(accuracy * images);
    say(at('accuracy'), `${(100 * accuracy).toFixed(1)} %`);
    at('accuracy').title = `${right} of ${images}`;
    this.draw();
  }

  private draw(): void {
    this.chart.show([this.curve.points, this.curve.smooth, this.judged]);
  }

  private progress(step: number, threads: number): void {
    const { steps } = this.settings;
    at<HTMLProgressElement>('progress').max = steps;
    at<HTMLProgressElement>('progress').value = step;
    say(at('step'), `${step} of ${steps}`);
    say(at('loss'), this.curve.last?.toFixed(3) ?? '–');
    say(at('speed'), this.pace.speed(BATCH));
    say(at('left'), this.pace.left(steps - step));
    say(at('threads'), String(threads));
  }

  private end(event: Heard<'end'>): void {
    const { settings, linked, info } = this;
    this.enter('ended');
    say(at('state'), event.isComplete ? 'done' : `stopped after step ${event.step}`);
    at('result').hidden = false;
    say(at('digest'), event.digest);
    const [words, kind] = verdictOf(event, settings, linked);
    say(at('verdict'), words);
    at('verdict').className = kind;
    const { checkedStates, mismatchedElements, milliseconds } = event;
    say(
      at('rebuilt'),
      `${count(info?.parameters ?? 0)} weights, ${(milliseconds / 1000).toFixed(1)} s in steps. ` +
        `${count(checkedStates)} states were rebuilt on the way back and compared with the way ` +
        `forward: ${count(mismatchedElements)} elements differ.`,
    );
    if (event.isComplete && linked === undefined)
      history.replaceState(null, '', `#${toHash(settings)}&digest=${event.digest}`);
    const loss = this.judged.values.at(-1)?.toFixed(2) ?? 'unknown';
    this.chart.describe(
      `Loss by step, of ${settings.steps} steps. Training loss at the end ` +
        `${this.curve.last?.toFixed(2)}, on unseen digits ${loss} nats an image.`,
    );
    this.changed();
  }

  private fail({ failure }: Heard<'failed'>): void {
    showTrouble(failure);
    this.enter('ended');
    say(at('state'), 'ended by an error');
  }

  private enter(state: State): void {
    this.state = state;
    document.body.dataset.state = state;
    const shown = (id: string, isShown: boolean): void => {
      at(id).hidden = !isShown;
    };
    const isActive = state === 'running' || state === 'paused';
    shown('start', !isActive);
    shown('pause', state === 'running');
    shown('resume', state === 'paused');
    shown('stop', isActive);
    shown('watch', state !== 'idle');
    for (const id of ['steps', 'seed']) at<HTMLInputElement>(id).disabled = isActive;
    say(at('state'), state === 'idle' ? '' : state);
  }
}

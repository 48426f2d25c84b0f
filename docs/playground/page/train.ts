// The view Train: starts a run, shows how it goes, pauses, ends, saves and loads it.

import { CHECKPOINT_FILE, textFile } from '../command.ts';
import { Curve } from '../curve.ts';
import { bytes } from '../format.ts';
import type { Asked, Event, RunInfo } from '../protocol.ts';
import type { Settings } from '../settings.ts';
import { Chart } from './chart.ts';
import { lockControls } from './controls.ts';
import { at, copyBy, download, say, settled } from './dom.ts';
import { showMemory, showNoMemory } from './memory.ts';
import { Pace } from './pace.ts';
import { hideResult, showCommands, showResult } from './result.ts';
import { Session, threadsFor } from './session.ts';
import type { Store } from './store.ts';
import { TextView } from './text.ts';
import { attempt, showTrouble } from './trouble.ts';

type State = 'idle' | 'running' | 'paused' | 'ended';
const LINES = [
  { label: 'training', colour: '--curve-faint', width: 1 },
  { label: 'training, smoothed', colour: '--curve', width: 2 },
  { label: 'held-out text', colour: '--judged', width: 2, hasDots: true },
];
/** Texts that stay to be read. */
const WRITTEN = 6;

export class TrainView {
  readonly session = new Session<Asked, Event>((event) => this.take(event));
  readonly text: TextView;
  private readonly chart = new Chart(at('chart'), LINES);
  private state: State = 'idle';
  private info: RunInfo | undefined;
  private curve = new Curve();
  private judged = { steps: [] as number[], values: [] as number[] };
  private pace = new Pace();
  private marks = 0;

  constructor(private readonly store: Store) {
    this.text = new TextView(store, this.session, () => this.plan());
    const plan = settled(30, () => this.plan());
    store.hear(plan);
    this.bindButtons();
    this.enter('idle');
  }

  /** Begins with what the address says. */
  async begin(): Promise<void> {
    await this.text.begin();
    const { starts, view } = this.store.address;
    if (starts && view === 'train' && this.text.info !== undefined) await this.start();
  }

  private bindButtons(): void {
    const on = (id: string, work: () => unknown): void =>
      at(id).addEventListener('click', () => attempt(work));
    on('start', () => this.start());
    on('pause', () => this.pause());
    on('resume', () => this.resume());
    on('stop', () => this.session.ask('stop', {}));
    on('save', () => this.save());
    on('save-text', () => this.saveText());
    on('copy-link', () => copyBy(at('copy-link'), this.store.link()));
    on('copy-digest', () => copyBy(at('copy-digest'), at('digest').textContent ?? ''));
    on('write', () => this.write());
    at<HTMLInputElement>('load').addEventListener('change', ({ target }) => {
      const input = target as HTMLInputElement;
      const file = input.files?.[0];
      if (file !== undefined) attempt(() => this.load(file));
      input.value = '';
    });
  }

  // ---- before a run ----

  private async plan(): Promise<void> {
    const { settings } = this.store;
    if (this.text.info === undefined) return showNoMemory('The plan needs a text.');
    try {
      const memory = await this.session.ask('plan', { settings });
      if (settings !== this.store.settings) return;
      showMemory(memory, settings.rule);
      showCommands(settings);
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      showNoMemory(`This cannot run: ${message}${hint === undefined ? '' : `; ${hint}`}.`);
    }
  }

  private async start(): Promise<void> {
    await this.text.ready;
    const { settings } = this.store;
    if (this.text.info === undefined) {
      const hint = 'paste one, choose a file, or take one of those that come with the page';
      throw Object.assign(new Error('there is no text to learn'), { hint });
    }
    const given = { settings, threads: threadsFor(settings.batch) };
    const info = await this.session.ask('start', given);
    this.show(info);
    this.pace.restart(performance.now());
    this.enter('running');
  }

  private show(info: RunInfo): void {
    this.info = info;
    this.curve = new Curve();
    this.judged = { steps: [], values: [] };
    this.pace = new Pace();
    at('written').replaceChildren();
    hideResult();
    this.progress(info.step, info.threads);
  }

  // ---- while it runs ----

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
    else if (event.kind === 'validation') this.takeJudged(event.step, event.loss);
    else if (event.kind === 'written') this.takeWritten(event);
    else if (event.kind === 'failed') this.fail(event);
    else this.end(event);
  }

  private takeSteps({ step, losses, threads }: Extract<Event, { kind: 'steps' }>): void {
    losses.forEach((loss, i) => {
      this.curve.add(step - losses.length + 1 + i, loss);
    });
    this.pace.take(losses.length, performance.now());
    this.draw();
    this.progress(step, threads);
    if (this.marks++ === 0) performance.mark('first step');
  }

  private takeJudged(step: number, loss: number): void {
    this.judged.steps.push(step);
    this.judged.values.push(loss);
    this.draw();
  }

  private draw(): void {
    this.chart.show([this.curve.points, this.curve.smooth, this.judged]);
  }

  private progress(step: number, threads: number): void {
    const { settings, memory } = this.info as RunInfo;
    const { steps, batch, context } = settings;
    at<HTMLProgressElement>('progress').max = steps;
    at<HTMLProgressElement>('progress').value = step;
    say(at('step'), `${step} of ${steps}`);
    say(at('loss'), this.curve.last?.toFixed(3) ?? '–');
    say(at('judged'), this.judged.values.at(-1)?.toFixed(3) ?? '–');
    say(at('speed'), this.pace.speed(batch * context));
    say(at('left'), this.pace.left(steps - step));
    say(at('used'), bytes(memory));
    say(at('threads'), String(threads));
  }

  private takeWritten({ step, prompt, text }: Extract<Event, { kind: 'written' }>): void {
    const item = document.createElement('li');
    const when = document.createElement('span');
    when.textContent = `step ${step}`;
    const start = document.createElement('b');
    start.textContent = prompt;
    const written = document.createElement('q');
    written.append(start, text);
    item.append(when, written);
    at('written').prepend(item);
    while (at('written').children.length > WRITTEN) at('written').lastElementChild?.remove();
  }

  /** Another view needs the processor. */
  async rest(): Promise<void> {
    if (this.state === 'running') await this.pause();
  }

  // ---- the end ----

  private end(event: Extract<Event, { kind: 'end' }>): void {
    const { settings } = this.info as RunInfo;
    const { digest: linked } = this.store.address;
    this.enter('ended');
    say(at('state'), event.isComplete ? 'done' : `stopped after step ${event.step}`);
    showResult(event, settings, linked);
    if (event.isComplete && linked === undefined) this.store.change({ digest: event.digest });
    this.describe(settings);
  }

  private describe({ steps }: Settings): void {
    const of = (value: number | undefined): string => value?.toFixed(2) ?? 'unknown';
    const text =
      `Loss by step, of ${steps} steps. Training loss at the end ${of(this.curve.last)}, ` +
      `on held-out text ${of(this.judged.values.at(-1))} nats a token.`;
    this.chart.describe(text);
  }

  private fail({ failure }: Extract<Event, { kind: 'failed' }>): void {
    showTrouble(failure);
    this.enter('ended');
    say(at('state'), 'ended by an error');
  }

  // ---- files ----

  private async save(): Promise<void> {
    const { file } = await this.session.ask('save', {});
    download(CHECKPOINT_FILE, file);
    at('go-on').hidden = false;
  }

  private async saveText(): Promise<void> {
    const { bytes: text } = await this.session.ask('textFile', {});
    download(textFile(this.store.settings), text);
  }

  private async load(file: File): Promise<void> {
    await this.rest();
    const threads = threadsFor(this.store.settings.batch);
    const given = { file: new Uint8Array(await file.arrayBuffer()), threads };
    const info = await this.session.ask('load', given);
    this.store.set(info.settings);
    this.text.show(info.text);
    this.show(info);
    this.enter('paused');
    say(at('state'), `loaded after step ${info.step}`);
  }

  private async write(): Promise<void> {
    const prompt = at<HTMLInputElement>('prompt').value;
    const { text, step } = await this.session.ask('write', { prompt, tokens: 200 });
    this.takeWritten({ kind: 'written', step, prompt, text });
  }

  // ---- what can be pressed ----

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
    at<HTMLButtonElement>('save').disabled = state === 'idle';
    lockControls(isActive);
    say(at('state'), state === 'idle' ? '' : state);
  }
}

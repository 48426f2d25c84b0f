// Looks for a run, asks for consent, and shows what is done.

import { about, bytes, count } from '../../../playground/format.ts';
import { at, make, say } from '../../../playground/page/dom.ts';
import { Session } from '../../../playground/page/session.ts';
import { attempt, showTrouble } from '../../../playground/page/trouble.ts';
import { FIELDS, fromHash, limitOf, type Place, problemOf, toHash } from '../address.ts';
import type { Asked, Event, RunInfo } from '../protocol.ts';
import { Speed } from './speed.ts';
import { consentTo } from './words.ts';

/** idle: nothing is known; found: consent is asked for; pausing: the part at hand is finished. */
type State = 'idle' | 'looking' | 'found' | 'starting' | 'working' | 'pausing' | 'paused' | 'ended';
type Heard<K extends Event['kind']> = Extract<Event, { kind: K }>;

const SAID: Record<State, string> = {
  idle: '',
  looking: 'looking for the run ...',
  found: '',
  starting: 'fetching the text ...',
  working: 'working',
  pausing: 'pauses after the part at hand',
  paused: 'paused',
  ended: 'ended',
};

const MOST_LINES = 6;

const field = (name: string): HTMLInputElement => at<HTMLInputElement>(name);

/** A name for who was given none. */
const madeName = (): string => `tab-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;

const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}`.replace(/\.*$/, '.');

export class VolunteerView {
  private readonly session = new Session<Asked, Event>((event) => this.take(event));
  private state: State = 'idle';
  private info: RunInfo | undefined;
  private speed = new Speed();

  constructor() {
    const on = (id: string, work: () => unknown): void =>
      at(id).addEventListener('click', () => attempt(work));
    on('look', () => this.look());
    on('start', () => this.start());
    on('pause', () => this.pause());
    on('resume', () => this.resume());
    on('stop', () => this.session.ask('stop', {}));
    for (const name of FIELDS)
      field(name).addEventListener('input', () => {
        if (this.state === 'found') this.enter('idle'); // of another run
      });
  }

  /** Fills in what the address says; the password does not stay in it. */
  begin(): void {
    const place = fromHash(location.hash);
    for (const name of FIELDS) field(name).value = place[name];
    if (place.password !== '') history.replaceState(null, '', `#${toHash(place)}`);
    this.enter('idle');
  }

  private place(): Place {
    const [server, run, name, user, password] = FIELDS.map((one) => field(one).value);
    const given = { server: server.trim(), run: run.trim(), user: user.trim(), password };
    const place = { ...given, name: name.trim() || given.user || madeName() };
    field('name').value = place.name;
    return place;
  }

  private async look(): Promise<void> {
    const place = this.place();
    const problem = problemOf(place);
    if (problem !== undefined) throw new Error(problem);
    this.enter('looking');
    try {
      this.info = await this.session.ask('look', { place });
    } catch (error) {
      this.enter('idle');
      throw error;
    }
    at('consent').replaceChildren(...consentTo(this.info).map((words) => make('li', {}, words)));
    this.enter('found');
    at('start').focus();
  }

  private async start(): Promise<void> {
    const most = limitOf(field('most').value);
    this.speed = new Speed();
    this.take({ kind: 'done', parts: 0, samples: 0, step: 0, up: 0, down: 0 });
    at('log').replaceChildren();
    this.enter('starting');
    try {
      await this.session.ask('start', { most });
    } catch (error) {
      this.enter('found');
      throw error;
    }
    if (this.state === 'starting') this.enter('working');
    this.speed.restart(performance.now());
  }

  private async pause(): Promise<void> {
    this.enter('pausing');
    await this.session.ask('pause', {});
  }

  private async resume(): Promise<void> {
    this.speed.restart(performance.now());
    this.enter('working');
    await this.session.ask('resume', {});
  }

  private take(event: Event): void {
    if (event.kind === 'done') this.show(event);
    else if (event.kind === 'paused') this.enter('paused');
    else if (event.kind === 'connection') this.log(event.words);
    else if (event.kind === 'end') this.end(event.why);
    else this.fail(event);
  }

  private show({ parts, samples, step, up, down }: Heard<'done'>): void {
    const { context = 0, steps = 1 } = this.info ?? {};
    this.speed.take(samples * context, performance.now());
    at<HTMLProgressElement>('progress').max = steps;
    at<HTMLProgressElement>('progress').value = step;
    say(at('step'), step === 0 ? '–' : `${count(step)} of ${count(steps)}`);
    for (const [id, value, words] of [
      ['parts', parts, count(parts)],
      ['up', up, bytes(up)],
      ['down', down, bytes(down)],
    ] as const) {
      say(at(id), words);
      at(id).title = String(value);
    }
    say(at('speed'), this.speed.rate === 0 ? '–' : about(this.speed.rate));
  }

  /** What became of the connection, the last lines of it. */
  private log(words: string): void {
    const time = new Date().toLocaleTimeString();
    at('log').append(make('p', {}, `${time}: ${words}`));
    while (at('log').children.length > MOST_LINES) at('log').firstElementChild?.remove();
  }

  private end(why: string): void {
    this.enter('ended');
    const parts = at('parts').textContent;
    say(at('verdict'), `${sentence(why)} ${parts} parts of it were computed here. Thank you.`);
  }

  private fail({ failure }: Heard<'failed'>): void {
    this.enter('ended');
    showTrouble(failure);
    say(at('state'), 'ended by an error');
  }

  private enter(state: State): void {
    this.state = state;
    document.body.dataset.state = state;
    const shown = (id: string, isShown: boolean): void => {
      at(id).hidden = !isShown;
    };
    const isActive = ['starting', 'working', 'pausing', 'paused'].includes(state);
    shown('agree', state === 'found');
    shown('watch', isActive || state === 'ended');
    shown('pause', state === 'working');
    shown('resume', state === 'paused' || state === 'pausing');
    shown('stop', isActive && state !== 'starting');
    at<HTMLFieldSetElement>('place').disabled = isActive || state === 'looking';
    if (state !== 'ended') say(at('verdict'), '');
    say(at('state'), SAID[state]);
  }
}

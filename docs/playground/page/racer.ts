// One of two runs that are trained at a time: a worker of its own, its curves, its row of a table.

import { Curve } from '../curve.ts';
import type { Asked, Event } from '../protocol.ts';
import type { Settings } from '../settings.ts';
import { make, say } from './dom.ts';
import { Pace } from './pace.ts';
import { Session } from './session.ts';
import { showTrouble } from './trouble.ts';

type End = Extract<Event, { kind: 'end' }>;
/** Digits of a digest that a row has room for. */
const SHORT = 16;

export class Racer {
  readonly curve = new Curve();
  readonly judged = { steps: [] as number[], values: [] as number[] };
  readonly row: HTMLTableRowElement;
  private readonly cells: readonly HTMLTableCellElement[];
  private readonly pace = new Pace();
  private readonly session = new Session<Asked, Event>((event) => this.take(event));
  private finish: (end: End | undefined) => void = () => undefined;
  /** Ends with the run; undefined if it failed. */
  readonly ended: Promise<End | undefined> = new Promise((resolve) => {
    this.finish = resolve;
  });

  /** `moved`: its curves have new points. */
  constructor(
    readonly settings: Settings,
    place: 'first' | 'second',
    private readonly moved: () => void,
  ) {
    const { rule, seed } = settings;
    const name = make('td', {}, make('i', { class: `swatch ${place}` }), `${rule}, seed ${seed}`);
    this.cells = Array.from({ length: 5 }, () => make('td', {}, '–'));
    this.row = make('tr', {}, name, ...this.cells);
  }

  async start(bytes: Uint8Array, threads: number): Promise<void> {
    const { settings } = this;
    await this.session.ask('text', { name: settings.text, bytes });
    await this.session.ask('start', { settings, threads });
    this.pace.restart(performance.now());
  }

  async stop(): Promise<void> {
    await this.session.ask('stop', {});
  }

  close(): void {
    this.session.close();
    this.finish(undefined);
  }

  private take(event: Event): void {
    if (event.kind === 'steps') {
      const { step, losses } = event;
      losses.forEach((loss, i) => {
        this.curve.add(step - losses.length + 1 + i, loss);
      });
      this.pace.take(losses.length, performance.now());
      this.show(step);
    } else if (event.kind === 'validation') {
      this.judged.steps.push(event.step);
      this.judged.values.push(event.loss);
    } else if (event.kind === 'failed') {
      showTrouble(event.failure);
      this.finish(undefined);
    } else if (event.kind === 'end') {
      say(this.cells[4], event.digest.slice(0, SHORT));
      this.cells[4].title = event.digest;
      this.finish(event);
    }
    this.moved();
  }

  private show(step: number): void {
    const { batch, context, steps } = this.settings;
    const of = (value: number | undefined): string => value?.toFixed(3) ?? '–';
    const words = [`${step} of ${steps}`, of(this.curve.last), of(this.judged.values.at(-1))];
    [...words, this.pace.speed(batch * context)].forEach((text, i) => {
      say(this.cells[i], text);
    });
  }
}

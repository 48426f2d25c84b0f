// The view Compare: the same run with another rule or seed beside it.

import type { Address } from '../address.ts';
import type { Event } from '../protocol.ts';
import { problemOf, RULES, type RuleName, type Settings } from '../settings.ts';
import { Chart } from './chart.ts';
import { lockControls } from './controls.ts';
import { at, copyBy, make, say } from './dom.ts';
import { Racer } from './racer.ts';
import { expectedOf } from './result.ts';
import { threadsFor } from './session.ts';
import type { Store } from './store.ts';
import type { TrainView } from './train.ts';
import { attempt } from './trouble.ts';

type End = Extract<Event, { kind: 'end' }>;
const LINES = [
  { label: 'first', colour: '--curve', width: 2 },
  { label: 'second', colour: '--judged', width: 2 },
  { label: 'first, held-out', colour: '--curve', width: 1, hasDots: true, dash: [4, 4] },
  { label: 'second, held-out', colour: '--judged', width: 1, hasDots: true, dash: [4, 4] },
];

/** The second run: as the address has it, else with another rule. */
export function otherOf({ settings, other }: Pick<Address, 'settings' | 'other'>): Settings {
  const rule: RuleName = settings.rule === 'none' ? 'bdia' : 'none';
  return { ...settings, ...((other.rule ?? other.seed) === undefined ? { rule } : other) };
}

export class CompareView {
  /** Made when it is first needed. */
  private chart: Chart | undefined;
  private racers: readonly Racer[] = [];
  private readonly rule = at<HTMLSelectElement>('other-rule');
  private readonly seed = at<HTMLInputElement>('other-seed');

  constructor(
    private readonly store: Store,
    private readonly train: TrainView,
  ) {
    this.rule.append(...RULES.map((rule) => make('option', { value: rule }, rule)));
    this.rule.addEventListener('change', () => this.choose());
    this.seed.addEventListener('change', () => attempt(() => this.choose()));
    at('race').addEventListener('click', () => attempt(() => this.race()));
    at('race-stop').addEventListener('click', () => attempt(() => this.stop()));
    const copy = at('race-link');
    copy.addEventListener('click', () => attempt(() => copyBy(copy, store.link())));
    store.hear(() => this.show());
    this.show();
  }

  private show(): void {
    const { rule, seed } = otherOf(this.store.address);
    this.rule.value = rule;
    this.seed.value = String(seed);
  }

  private choose(): void {
    const seed = this.seed.valueAsNumber;
    const problem = problemOf('seed', seed);
    if (problem !== undefined) {
      this.show();
      throw new Error(problem);
    }
    const other = { rule: this.rule.value as RuleName, seed };
    this.store.change({ other, otherDigest: undefined, digest: undefined });
  }

  /** What the last race found is gone at once: it would be read as that of this one. */
  async race(): Promise<void> {
    say(at('race-verdict'), '');
    const button = at<HTMLButtonElement>('race');
    button.disabled = true;
    try {
      await this.run();
    } finally {
      button.disabled = false;
    }
  }

  private async run(): Promise<void> {
    await this.train.text.ready;
    await this.train.rest();
    const { settings } = this.store;
    const { bytes } = await this.train.session.ask('textFile', {});
    for (const racer of this.racers) racer.close();
    this.chart ??= new Chart(at('race-chart'), LINES);
    const draw = (): void => this.draw();
    const second = otherOf(this.store.address);
    this.racers = [new Racer(settings, 'first', draw), new Racer(second, 'second', draw)];
    at('race-rows').replaceChildren(...this.racers.map(({ row }) => row));
    const threads = Math.max(1, Math.floor(threadsFor(settings.batch) / 2));
    this.enter(true);
    try {
      await Promise.all(this.racers.map((racer) => racer.start(bytes, threads)));
      const ends = await Promise.all(this.racers.map(({ ended }) => ended));
      this.end(ends);
    } finally {
      this.enter(false);
    }
  }

  private async stop(): Promise<void> {
    await Promise.all(this.racers.map((racer) => racer.stop()));
  }

  private enter(isRacing: boolean): void {
    at('race').hidden = isRacing;
    at('race-stop').hidden = !isRacing;
    this.rule.disabled = isRacing;
    this.seed.disabled = isRacing;
    at('stage-compare').dataset.state = isRacing ? 'running' : 'ended';
    lockControls(isRacing);
  }

  private draw(): void {
    const smooth = this.racers.map(({ curve }) => curve.smooth);
    const judged = this.racers.map(({ judged: points }) => points);
    this.chart?.show([...smooth, ...judged]);
  }

  private end(ends: readonly (End | undefined)[]): void {
    const [first, second] = ends;
    if (first === undefined || second === undefined) return;
    if (!first.isComplete || !second.isComplete) {
      say(at('race-verdict'), 'Stopped.');
      return;
    }
    const { digest: linked, otherDigest } = this.store.address;
    const verdicts = [
      this.verdict('The first', first, linked, this.racers[0].settings),
      this.verdict('The second', second, otherDigest, this.racers[1].settings),
    ];
    const has = (word: string): boolean => verdicts.some((text) => text.includes(word));
    const isGood = has('digest') ? 'good' : '';
    at('race-verdict').className = has('DIFFERENT') ? 'bad' : isGood;
    const both = first.digest === second.digest ? 'Both have the same weights, bit for bit. ' : '';
    say(at('race-verdict'), `${both}${verdicts.join(' ')}`);
    this.store.change({
      digest: linked ?? first.digest,
      otherDigest: otherDigest ?? second.digest,
    });
    const [a, b] = this.racers.map(({ curve }) => curve.last?.toFixed(2));
    this.chart?.describe(`Losses of both runs by step, at the end ${a} and ${b} nats a token.`);
  }

  private verdict(
    name: string,
    { digest }: End,
    linked: string | undefined,
    settings: Settings,
  ): string {
    const expected = expectedOf(settings, linked);
    if (expected === undefined) return `${name} has ${digest}.`;
    const [what, wanted] = expected;
    return digest === wanted
      ? `${name} has ${what}, ${digest}.`
      : `${name} is DIFFERENT from ${what}: ${digest}, not ${wanted}.`;
  }
}

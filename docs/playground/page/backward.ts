// The view Backward: one sample there and back, and a bit turned over on the way.

import { count } from '../format.ts';
import type { Flip, Journey } from '../protocol.ts';
import { at, make, say } from './dom.ts';
import { Gallery } from './gallery.ts';
import { RuleBars } from './rule-memory.ts';
import type { Store } from './store.ts';
import type { TrainView } from './train.ts';
import { attempt } from './trouble.ts';

/** Rules that keep bits beside their states. */
const HAVE_SIDE = ['bdia', 'momentum'];

const wordsOf = ({ what, block, element, bit }: Flip): string =>
  what === 'state'
    ? `Bit ${bit} of element ${element} of the state after block ${block} was turned over. Noticed:`
    : `Side bit ${element} of block ${block} was turned over. Noticed:`;

const numberOf = (id: string): number => at<HTMLInputElement>(id).valueAsNumber;

export class BackwardView {
  private readonly bars = new RuleBars();
  private readonly gallery = new Gallery(
    (state, element) => this.choose(state, element),
    (share) => this.bars.fill(share),
  );
  private isShown = false;

  constructor(
    private readonly store: Store,
    private readonly train: TrainView,
  ) {
    at('walk').addEventListener('click', () => attempt(() => this.walk()));
    at('flip').addEventListener('click', () => attempt(() => this.walk(this.flip())));
    at('flip-what').addEventListener('change', () => this.limit());
    at('flip-block').addEventListener('change', () => this.limit());
    store.hear(() => this.limit());
    this.limit();
  }

  /** The view comes to be seen: for the first time it shows a walk by itself. */
  async enter(): Promise<void> {
    this.limit();
    await this.train.text.ready;
    if (this.train.text.info === undefined) return;
    await this.compare();
    if (!this.isShown && this.store.settings.rule !== 'none') await attempt(() => this.walk());
  }

  private async compare(): Promise<void> {
    const { settings } = this.store;
    const rules = await this.train.session.ask('compareRules', { settings });
    this.bars.show(rules, settings.rule);
  }

  private get sideElements(): number {
    const { context, channels } = this.store.settings;
    return context * channels;
  }

  /** What can be chosen, by the settings. */
  private limit(): void {
    const { layers, batch, rule } = this.store.settings;
    const block = at<HTMLSelectElement>('flip-block');
    const blocks = Array.from({ length: Math.max(0, layers - 1) }, (_, i) => i + 1);
    if (block.options.length !== blocks.length)
      block.replaceChildren(...blocks.map((k) => make('option', { value: k }, String(k))));
    at<HTMLInputElement>('flip-element').max = String(this.sideElements - 1);
    at<HTMLInputElement>('sample').max = String(batch - 1);
    const what = at<HTMLSelectElement>('flip-what');
    what.options[1].disabled = !HAVE_SIDE.includes(rule);
    if (what.selectedOptions[0].disabled) what.value = 'state';
    at<HTMLInputElement>('flip-bit').disabled = what.value === 'side';
    const cannot = rule === 'none' || layers < 2;
    at<HTMLButtonElement>('flip').disabled = cannot;
    at<HTMLButtonElement>('walk').disabled = rule === 'none';
    say(at('flip-note'), cannot ? 'A reversible rule and two blocks have bits to turn over.' : '');
  }

  /** A picture was pointed at: the bit is turned over before the block below it is undone. */
  private choose(state: number, element: number): void {
    const { layers } = this.store.settings;
    const block = Math.min(layers - 1, Math.max(1, state - 1));
    at<HTMLSelectElement>('flip-what').value = 'state';
    at<HTMLSelectElement>('flip-block').value = String(block);
    at<HTMLInputElement>('flip-element').value = String(element);
    this.limit();
    attempt(() => this.walk(this.flip()));
  }

  private flip(): Flip {
    const what = at<HTMLSelectElement>('flip-what').value as Flip['what'];
    const block = Number(at<HTMLSelectElement>('flip-block').value);
    return { what, block, element: numberOf('flip-element'), bit: numberOf('flip-bit') };
  }

  private async walk(flip?: Flip): Promise<void> {
    const { settings } = this.store;
    this.isShown = true;
    say(at('journey-verdict'), '');
    say(at('journey-error'), '');
    await this.train.text.ready;
    const asked = { settings, sample: numberOf('sample'), ...(flip === undefined ? {} : { flip }) };
    const journey = await this.train.session.ask('journey', asked);
    const { step, text, sample } = journey;
    const whose = step === 0 ? 'a new run' : `the run after step ${step}`;
    say(at('journey-of'), `Sample ${sample} of the next batch, with the weights of ${whose}:`);
    say(at('journey-text'), text);
    await this.compare();
    if (await this.gallery.walk(journey)) this.judge(journey, flip);
  }

  private judge({ error, differing, checkedStates }: Journey, flip: Flip | undefined): void {
    const wrong = differing.reduce<number>((sum, found) => sum + (found ?? 0), 0);
    const verdict = at('journey-verdict');
    verdict.className = error === undefined ? 'good' : 'bad';
    if (error !== undefined) {
      say(verdict, flip === undefined ? 'Not rebuilt exactly:' : wordsOf(flip));
      say(at('journey-error'), `${error.name}: ${error.message}`);
      return;
    }
    const states = `${count(checkedStates)} states of the batch were rebuilt and compared`;
    say(verdict, `${states}: ${count(wrong)} elements differ.`);
  }
}

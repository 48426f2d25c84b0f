// The states of one sample, from the first to the last, each as it was on the way forward and as it
// was rebuilt, shown one after the other.

import { count } from '../format.ts';
import type { Journey } from '../protocol.ts';
import { at, make, say } from './dom.ts';
import { draw, emptyPicture, scaleOf } from './picture.ts';

/** Milliseconds that a walk through all blocks takes. */
const WALK = 1800;
/** More differing elements are seen without rings. */
const RINGS = 8;
const isCalm = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

interface Card {
  readonly forward: HTMLCanvasElement;
  readonly back: HTMLCanvasElement;
  readonly verdict: HTMLElement;
  readonly home: HTMLElement;
}

export class Gallery {
  private cards: readonly Card[] = [];
  /** Which walk is shown: an older one stops. */
  private turn = 0;

  /** `choose`: a state and an element of it were pointed at. `passed`: so many blocks of all. */
  constructor(
    private readonly choose: (state: number, element: number) => void,
    private readonly passed: (share: number) => void,
  ) {}

  /** Walks forward and back. Ends when all is shown, or another walk begins. */
  async walk(journey: Journey): Promise<boolean> {
    const turn = ++this.turn;
    this.build(journey);
    const { forward, back } = journey;
    const scale = scaleOf(forward);
    const last = forward.length - 1;
    const step = isCalm() ? 0 : WALK / forward.length;
    for (let k = 0; k <= last; k++) {
      draw(this.cards[k].forward, forward[k], scale);
      this.passed(k / last);
      if (step > 0) await pause(step);
      if (turn !== this.turn) return false;
    }
    for (let k = last; k >= 0; k--) {
      this.showBack(journey, k, scale);
      if (step > 0 && back[k] !== undefined) await pause(step);
      if (turn !== this.turn) return false;
    }
    return true;
  }

  private build(journey: Journey): void {
    this.cards = journey.forward.map((_, k) => this.card(journey, k));
    at('states').replaceChildren(...this.cards.map(({ home }) => home));
  }

  private card(journey: Journey, k: number): Card {
    const last = journey.forward.length - 1;
    const [forward, back] = [emptyPicture(journey), emptyPicture(journey)];
    const verdict = make('figcaption', {}, '…');
    const words = k === last ? 'the end' : `before block ${k}`;
    const name = make('b', { class: 'state-name' }, words);
    const picture = make('div', { class: 'picture' }, back);
    const home = make('figure', {}, name, forward, picture, verdict);
    for (const canvas of [forward, back])
      canvas.addEventListener('click', (event) => this.choose(k, elementAt(canvas, event)));
    return { forward, back, verdict, home };
  }

  private showBack({ forward, back, differing }: Journey, k: number, scale: number): void {
    const { back: canvas, verdict, home } = this.cards[k];
    const state = back[k];
    const wrong = differing[k];
    if (state === undefined || wrong === undefined) {
      say(verdict, 'not reached');
      return;
    }
    draw(canvas, state, scale, forward[k]);
    home.className = wrong === 0 ? 'right' : 'wrong';
    say(verdict, `${count(wrong)} of ${count(state.length)} differ`);
    if (wrong > 0 && wrong <= RINGS) ring(canvas, state, forward[k]);
  }
}

/** A ring around each element that differs. */
function ring(canvas: HTMLCanvasElement, state: Int32Array, expected: Int32Array): void {
  const { width, height } = canvas;
  state.forEach((value, i) => {
    if (value === expected[i]) return;
    const mark = make('i', { class: 'ring' });
    mark.style.left = `${(100 * ((i % width) + 0.5)) / width}%`;
    mark.style.top = `${(100 * (Math.floor(i / width) + 0.5)) / height}%`;
    canvas.after(mark);
  });
}

/** The element that was pointed at. */
function elementAt(canvas: HTMLCanvasElement, event: MouseEvent): number {
  const { width, height } = canvas;
  const box = canvas.getBoundingClientRect();
  const column = Math.min(width - 1, Math.floor(((event.clientX - box.left) / box.width) * width));
  const row = Math.min(height - 1, Math.floor(((event.clientY - box.top) / box.height) * height));
  return Math.max(0, row) * width + Math.max(0, column);
}

// What is said of a drawing: the digit, how sure, as a bar each, and what the network sees.

import { at, make, say } from '../../../playground/page/dom.ts';
import type { Sight } from '../protocol.ts';
import { isStrange, type Verdict } from '../strange.ts';

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.9995 ? 1 : 0)} %`;

interface Row {
  readonly item: HTMLLIElement;
  readonly bar: HTMLElement;
  readonly share: HTMLSpanElement;
}

export class SightView {
  private readonly rows: readonly Row[] = Array.from({ length: 10 }, (_, digit) => {
    const bar = make('i');
    const share = make('span', {}, '–');
    const item = make('li', {}, make('b', {}, String(digit)), make('div', {}, bar), share);
    at('digits').append(item);
    return { item, bar, share };
  });

  show(sight: Sight): void {
    this.bars(sight);
    this.picture(sight.picture);
    const [words, why] = wordsOf(sight);
    say(at('says'), words);
    say(at('why'), why);
    at('says').className = isStrange(sight.verdict) ? 'strange' : '';
    at('says').dataset.verdict = sight.verdict;
  }

  private bars({ probabilities, verdict }: Sight): void {
    const best = probabilities?.indexOf(Math.max(...probabilities));
    at('digits').className = isStrange(verdict) ? 'doubtful' : '';
    this.rows.forEach(({ item, bar, share }, digit) => {
      const found = probabilities?.[digit];
      bar.style.width = `${100 * (found ?? 0)}%`;
      say(share, found === undefined ? '–' : percent(found));
      item.className = digit === best ? 'best' : '';
    });
  }

  private picture(picture: Uint8Array | undefined): void {
    const canvas = at<HTMLCanvasElement>('picture');
    const context = canvas.getContext('2d');
    if (context === null) return;
    const image = context.createImageData(canvas.width, canvas.height);
    picture?.forEach((ink, i) => {
      image.data.set([0, 0, 0, 0].fill(255 - ink, 0, 3).fill(255, 3), 4 * i);
    });
    context.putImageData(image, 0, 0);
    const seen = picture === undefined ? 'nothing' : 'the drawing in 8 by 8 pixels';
    canvas.setAttribute('aria-label', `What the network sees: ${seen}`);
  }
}

/** What is said, and why. */
function wordsOf({ verdict, probabilities = [], distance = 0 }: Sight): [string, string] {
  const ranked = probabilities.map((_, digit) => digit);
  ranked.sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, second] = ranked;
  const near = `The most similar learned digit is ${distance.toFixed(0)} of 255 away.`;
  const WORDS: Readonly<Record<Verdict, () => [string, string]>> = {
    nothing: () => ['Nothing is drawn yet.', ''],
    small: () => ['Strange: that has no form.', 'Draw it larger.'],
    unlearned: () => ['Not trained yet: press Train.', near],
    far: () => ['Strange: nothing that was learned looks like it.', near],
    unsure: () => [
      `Strange: neither a ${first} nor a ${second}.`,
      `The highest probability is ${percent(probabilities[first])}. ${near}`,
    ],
    digit: () => [`A ${first}.`, `Probability ${percent(probabilities[first])}. ${near}`],
  };
  return WORDS[verdict]();
}

// What the update rules keep for the way back, side by side, while the blocks are passed.

import { bytes } from '../format.ts';
import type { RuleMemory } from '../protocol.ts';
import { at, make, say } from './dom.ts';

/** Bytes that a rule keeps when `share` of its blocks were passed: stored states and side bits
 *  become more with every block, two states are there from the beginning. */
export function keptAt({ rule, states, sideBits }: RuleMemory, share: number): number {
  return rule === 'none' ? states * share : states + sideBits * share;
}

export class RuleBars {
  private rules: readonly RuleMemory[] = [];
  private bars: readonly (readonly [HTMLElement, HTMLElement])[] = [];

  show(rules: readonly RuleMemory[], chosen: string): void {
    this.rules = rules;
    this.bars = rules.map(() => [make('i'), make('span')] as const);
    const rows = rules.map(({ rule }, i) =>
      make(
        'div',
        { class: rule === chosen ? 'rule chosen' : 'rule' },
        make('b', {}, rule),
        make('div', {}, this.bars[i][0]),
        this.bars[i][1],
      ),
    );
    at('rules').replaceChildren(...rows);
    this.fill(1);
  }

  /** After `share` of the blocks. */
  fill(share: number): void {
    const most = Math.max(1, ...this.rules.map((rule) => keptAt(rule, 1)));
    this.rules.forEach((rule, i) => {
      const kept = keptAt(rule, share);
      const [bar, label] = this.bars[i];
      bar.style.width = `${(100 * kept) / most}%`;
      say(label, bytes(kept));
    });
  }
}

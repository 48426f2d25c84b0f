// The memory that a run will take, before a byte is taken.

import { bytes, count } from '../format.ts';
import type { Memory } from '../protocol.ts';
import { at, make, say } from './dom.ts';

/** The purposes, as the library's plan names them, and what a reader calls them. */
const PURPOSES: readonly (readonly [string, string])[] = [
  ['weights', 'weights'],
  ['gradients', 'gradients'],
  ['optimizer', 'optimizer'],
  ['states', 'states'],
  ['sideBits', 'side bits'],
  ['workspace', 'workspace'],
];

export function showMemory(
  { bytes: parts, total, stored, parameters }: Memory,
  rule: string,
): void {
  say(at('memory-total'), bytes(total));
  say(at('memory-weights'), `${count(parameters)} weights`);
  const bar = PURPOSES.map(([name]) => {
    const part = make('span', { class: `part ${name}` });
    part.style.flexGrow = String(parts[name] / total);
    return part;
  });
  at('memory-bar').replaceChildren(...bar);
  const legend = PURPOSES.map(([name, label]) =>
    make(
      'li',
      {},
      make('i', { class: `part ${name}` }),
      `${label} `,
      make('b', {}, bytes(parts[name])),
    ),
  );
  at('memory-parts').replaceChildren(...legend);
  const kept = parts.states + parts.sideBits;
  const text =
    rule === 'none'
      ? `This rule stores what every block computed: ${bytes(parts.states)}.`
      : `For the way back ${bytes(kept)} are kept; storing every block would take ` +
        `${bytes(stored)}.`;
  say(at('memory-note'), text);
}

export function showNoMemory(message: string): void {
  say(at('memory-total'), '–');
  say(at('memory-weights'), '');
  at('memory-bar').replaceChildren();
  at('memory-parts').replaceChildren();
  say(at('memory-note'), message);
}

// The page.

import { at } from '../../playground/page/dom.ts';
import { attempt, hideTrouble, showTrouble } from '../../playground/page/trouble.ts';
import { PAD, Pad } from './page/pad.ts';
import { SightView } from './page/sight.ts';
import { TrainView } from './page/train.ts';
import type { Stroke } from './picture.ts';
import digits from './strokes/digits.json';
import strange from './strokes/strange.json';

const sight = new SightView();
const train = new TrainView(() => look());
let strokes: readonly Stroke[] = [];
let isLooking = false;
let isDue = false;

/** Asks what the drawing is; while an answer is awaited, once more afterwards. */
async function look(): Promise<void> {
  isDue = true;
  if (isLooking) return;
  isLooking = true;
  try {
    while (isDue) {
      isDue = false;
      sight.show(await train.session.ask('look', { strokes, pad: PAD }));
    }
  } catch (error) {
    showTrouble(error);
  }
  isLooking = false;
}

const pad = new Pad((drawn) => {
  strokes = drawn;
  for (const id of ['undo', 'clear']) at<HTMLButtonElement>(id).disabled = drawn.length === 0;
  look();
});

/** A button that puts the drawings of a file on the pad, one after the other. */
function shows(id: string, drawings: object): void {
  const all = Object.values(drawings) as Stroke[][];
  let next = 7;
  at(id).addEventListener('click', () => {
    pad.set(all[next++ % all.length]);
  });
}

at('trouble-close').addEventListener('click', hideTrouble);
at('undo').addEventListener('click', () => pad.undo());
at('clear').addEventListener('click', () => pad.clear());
shows('example', digits);
shows('strange', strange);
// another link was pasted into the address
addEventListener('hashchange', () => location.reload());
attempt(() => train.begin());

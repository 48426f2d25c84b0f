// A state as a picture: a row a token, a column a channel, colour and strength by the number.

import { make } from './dom.ts';

interface Colour {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

const channel = (hex: string, at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);

/** Of a custom property of the style sheet, written #rrggbb. */
function colourOf(name: string): Colour {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return { red: channel(hex, 1), green: channel(hex, 3), blue: channel(hex, 5) };
}

/** What a number of full strength is: three times the root of the mean square. */
export function scaleOf(states: readonly Int32Array[]): number {
  let sum = 0;
  let count = 0;
  for (const state of states) {
    for (const value of state) sum += value * value;
    count += state.length;
  }
  return 3 * Math.sqrt(sum / count) || 1;
}

export interface Shape {
  readonly rows: number;
  readonly columns: number;
}

/** A canvas with as many pixels as the state has elements. */
export const emptyPicture = ({ rows, columns }: Shape): HTMLCanvasElement =>
  make('canvas', { width: columns, height: rows, 'aria-hidden': 'true' });

/** Draws a state; elements that differ from `expected` in the colour of errors. */
export function draw(
  canvas: HTMLCanvasElement,
  state: Int32Array,
  scale: number,
  expected = state,
): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(canvas.width, canvas.height);
  const [above, below, wrong] = ['--curve', '--judged', '--bad'].map(colourOf);
  state.forEach((value, i) => {
    const isWrong = value !== expected[i];
    const sign = value < 0 ? below : above;
    const { red, green, blue } = isWrong ? wrong : sign;
    const strength = isWrong ? 255 : Math.min(255, (255 * Math.abs(value)) / scale);
    image.data.set([red, green, blue, strength], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

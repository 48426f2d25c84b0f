// The pad: strokes by pointer or by keys, as points of a square of 1000.

import { at } from '../../../playground/page/dom.ts';
import type { Point, Stroke } from '../picture.ts';

/** Units of a side. */
export const PAD = 1000;
/** How far a key moves, and with Shift. */
const KEY_STEP = 50;
const KEY_STEP_FINE = 10;
/** Points nearer than this are one. */
const LEAST_MOVE = 4;
/** A hand does not draw more; a held button of a lost mouse might. */
const MOST_POINTS = 4000;
const LINE = 40;

const KEYS: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const within = (value: number): number => Math.max(0, Math.min(PAD, Math.round(value)));

export class Pad {
  private strokes: Point[][] = [];
  private readonly canvas = at<HTMLCanvasElement>('pad');
  /** The pointer that draws. */
  private pointer: number | undefined;
  /** Where the keys are, and whether they draw. */
  private cursor: Point = [PAD / 2, PAD / 4];
  private isDown = false;
  private isFocused = false;

  constructor(private readonly hear: (strokes: readonly Stroke[]) => void) {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => this.press(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const name of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(name, () => {
        this.pointer = undefined;
      });
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('focus', () => this.focus(canvas.matches(':focus-visible')));
    canvas.addEventListener('blur', () => this.focus(false));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.draw();
  }

  /** Puts a drawing in the place of this one. */
  set(strokes: readonly Stroke[]): void {
    this.strokes = strokes.map((points) => [...points]);
    this.isDown = false;
    this.changed();
  }

  undo(): void {
    this.set(this.strokes.slice(0, -1));
  }

  clear(): void {
    this.set([]);
  }

  private changed(): void {
    this.draw();
    this.hear(this.strokes);
  }

  /** A point after the last of the last stroke. */
  private extend(point: Point): void {
    const points = this.strokes[this.strokes.length - 1];
    const [x, y] = points[points.length - 1] ?? [-PAD, -PAD];
    const count = this.strokes.reduce((sum, { length }) => sum + length, 0);
    if (Math.hypot(point[0] - x, point[1] - y) < LEAST_MOVE || count >= MOST_POINTS) return;
    points.push(point);
  }

  // ---- pointers ----

  private pointOf({ offsetX, offsetY }: MouseEvent): Point {
    const { clientWidth, clientHeight } = this.canvas;
    return [within((PAD * offsetX) / clientWidth), within((PAD * offsetY) / clientHeight)];
  }

  private press(event: PointerEvent): void {
    if (this.pointer !== undefined || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.isDown = false;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([]);
    this.extend(this.pointOf(event));
    this.changed();
  }

  private move(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const one of between.length > 0 ? between : [event]) this.extend(this.pointOf(one));
    this.changed();
  }

  // ---- keys ----

  private focus(isFocused: boolean): void {
    this.isFocused = isFocused;
    if (!isFocused) this.isDown = false;
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const { key, shiftKey } = event;
    if (KEYS[key] !== undefined) this.steer(KEYS[key], shiftKey ? KEY_STEP_FINE : KEY_STEP);
    else if (key === ' ' || key === 'Enter') this.lower();
    else if (key === 'Backspace') this.undo();
    else if (key === 'Delete') this.clear();
    else return;
    event.preventDefault();
    this.focus(true);
  }

  private steer([x, y]: Point, step: number): void {
    this.cursor = [within(this.cursor[0] + x * step), within(this.cursor[1] + y * step)];
    if (!this.isDown) return;
    this.extend(this.cursor);
    this.changed();
  }

  /** Lowers the pen, or lifts it. */
  private lower(): void {
    this.isDown = !this.isDown;
    if (!this.isDown) return;
    this.strokes.push([]);
    this.extend(this.cursor);
    this.changed();
  }

  // ---- what is seen ----

  private draw(): void {
    const { width, height } = this.canvas;
    const context = this.canvas.getContext('2d');
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    context.save();
    context.scale(width / PAD, height / PAD);
    context.lineWidth = LINE;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.strokeStyle = colourOf('--ink');
    for (const points of this.strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
    if (this.isFocused) this.drawCursor(context);
    context.restore();
  }

  private drawCursor(context: CanvasRenderingContext2D): void {
    context.lineWidth = LINE / 4;
    context.strokeStyle = colourOf(this.isDown ? '--bad' : '--accent');
    context.beginPath();
    context.arc(...this.cursor, LINE * (this.isDown ? 0.7 : 1), 0, 2 * Math.PI);
    context.stroke();
  }
}

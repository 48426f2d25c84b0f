// Derivatives by differences, of functions whose values are rounded: five points, so that steps can
// be large, and several steps, whose mean has less of the noise of rounding.

/** Steps, in units of the first. */
const STEPS = [1, 1.2, 1.4, 1.6, 1.8, 2];

/** f'(0) = (8 (f(h) - f(-h)) - (f(2 h) - f(-2 h))) / (12 h) + O(h^4). */
const fivePoints = (f: (x: number) => number, h: number): number =>
  (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);

/** Whether the slopes on both sides differ. */
function isKink(f: (x: number) => number, h: number): boolean {
  const [below, middle, above] = [f(-2 * h), f(0), f(2 * h)];
  const [left, right] = [(middle - below) / (2 * h), (above - middle) / (2 * h)];
  const largest = Math.max(Math.abs(left), Math.abs(right));
  return Math.abs(right - left) > 0.5 * largest && Math.abs(right - left) > 0.5;
}

/** f'(0), or undefined at a kink. h: the smallest step. */
export function derivative(f: (x: number) => number, h: number): number | undefined {
  if (isKink(f, h)) return undefined;
  const found = STEPS.map((step) => fivePoints(f, h * step));
  return found.reduce((a, b) => a + b, 0) / found.length;
}

/** The cosine of the angle between two vectors, element by element. */
export class Cosine {
  private dot = 0;
  private a = 0;
  private b = 0;

  add(a: number, b: number): void {
    this.dot += a * b;
    this.a += a * a;
    this.b += b * b;
  }

  /** 1 for two vectors of zeros. */
  get value(): number {
    return this.a === 0 && this.b === 0 ? 1 : this.dot / Math.sqrt(this.a * this.b);
  }
}

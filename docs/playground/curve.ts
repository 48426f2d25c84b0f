// A curve that grows for ever and keeps a bounded number of points: when it is full, every two
// neighbours become one, their mean. Beside it a smoothed one, an exponential mean.

const MOST = 800;

export interface Points {
  readonly steps: number[];
  readonly values: number[];
}

/** Share of the past in the smoothed curve. */
const PAST = 0.9;

export class Curve {
  /** Values that a point is the mean of, but maybe the last one. */
  private each = 1;
  private pending = 0;
  private sum = 0;
  private mean = 0;
  private weight = 0;
  readonly points: Points = { steps: [], values: [] };
  readonly smooth: Points = { steps: [], values: [] };

  add(step: number, value: number): void {
    this.mean = PAST * this.mean + (1 - PAST) * value;
    this.weight = PAST * this.weight + (1 - PAST);
    this.sum += value;
    if (++this.pending < this.each) return;
    this.points.steps.push(step);
    this.points.values.push(this.sum / this.pending);
    this.smooth.steps.push(step);
    this.smooth.values.push(this.mean / this.weight);
    this.sum = 0;
    this.pending = 0;
    if (this.points.steps.length >= MOST) this.halve();
  }

  /** The last smoothed value. */
  get last(): number | undefined {
    return this.weight === 0 ? undefined : this.mean / this.weight;
  }

  private halve(): void {
    const { points, smooth } = this;
    const half = Math.floor(points.steps.length / 2);
    for (let i = 0; i < half; i++) {
      points.steps[i] = points.steps[2 * i + 1];
      points.values[i] = (points.values[2 * i] + points.values[2 * i + 1]) / 2;
      smooth.steps[i] = smooth.steps[2 * i + 1];
      smooth.values[i] = smooth.values[2 * i + 1];
    }
    for (const list of [points.steps, points.values, smooth.steps, smooth.values])
      list.length = half;
    this.each *= 2;
  }
}

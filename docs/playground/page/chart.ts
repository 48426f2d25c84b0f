// biome-ignore-all assist/source/organizeImports: uPlot asks for the language when it is loaded
// Curves of losses by step, drawn by uPlot, at most once a frame.

import { LANGUAGE } from './language.ts';
import uPlot from 'uplot';
import type { Points } from '../curve.ts';

export interface Line {
  readonly label: string;
  /** A custom property of style.css. */
  readonly colour: string;
  readonly width: number;
  /** With its points shown: few of them. */
  readonly hasDots?: boolean;
  readonly dash?: number[];
}

const HEIGHT = 300;
const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const seriesOf = ({ label, colour, width, hasDots = false, dash }: Line): uPlot.Series => ({
  label,
  stroke: () => colourOf(colour),
  width,
  spanGaps: true,
  points: { show: hasDots, size: 6, fill: () => colourOf(colour) },
  value: (_, value) => (value === null || value === undefined ? '–' : value.toFixed(3)),
  ...(dash === undefined ? {} : { dash }),
});

const axis = (label: string): uPlot.Axis => ({
  label,
  labelSize: 22,
  labelFont: '12px system-ui, sans-serif',
  font: '12px system-ui, sans-serif',
  stroke: () => colourOf('--faint'),
  grid: { stroke: () => colourOf('--line'), width: 1 },
  ticks: { show: false },
  values: (_, numbers) => numbers.map((number) => number.toLocaleString(LANGUAGE)),
});

export class Chart {
  private readonly plot: uPlot;
  private points: readonly Points[] = [];
  private isDue = false;

  constructor(
    private readonly home: HTMLElement,
    lines: readonly Line[],
    unit = 'loss, nats a token',
  ) {
    const options: uPlot.Options = {
      width: home.clientWidth || 600,
      height: HEIGHT,
      scales: { x: { time: false }, y: {} },
      series: [{ label: 'step' }, ...lines.map(seriesOf)],
      axes: [
        { ...axis('step'), size: 28 },
        { ...axis(unit), size: 44 },
      ],
      cursor: { points: { show: false } },
      legend: { live: true },
    };
    const nothing = [[], ...lines.map(() => [])] as unknown as uPlot.AlignedData;
    this.plot = new uPlot(options, nothing, home);
    new ResizeObserver(() => this.resize()).observe(home);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.plot.redraw(false);
    });
  }

  private resize(): void {
    const width = this.home.clientWidth;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  /** Points of each line; drawn with the next frame. */
  show(points: readonly Points[]): void {
    this.points = points;
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  private draw(): void {
    const tables = this.points.map(({ steps, values }) => [steps, values] as uPlot.AlignedData);
    if (tables.every(([steps]) => steps.length === 0)) return;
    this.plot.setData(uPlot.join(tables));
  }

  /** What is drawn, in words, for those who do not see it. */
  describe(text: string): void {
    this.home.setAttribute('aria-label', text);
  }
}

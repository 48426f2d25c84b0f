// Curves as an SVG file: no fonts, scripts or styles from elsewhere, readable on light and on dark
// pages, with a text for those who cannot see it.

import { count } from '../format.ts';
import { type Curve, labelOf, rangesOf, thin, ticks } from './curves.ts';

const WIDTH = 760;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 20;
const TOP = 44;
const BOTTOM = 52;
const LINE = 18;
const MOST_POINTS = 400;
const TICKS = 6;
/** Told apart by people who do not see all colours (Okabe and Ito), on white and on black. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
const STYLE = [
  'text { font: 13px sans-serif; fill: #333 } .title { font-weight: bold; font-size: 15px }',
  '.page { fill: #fff } .grid { stroke: #ddd } .axis { stroke: #888 } ' +
    '.curve { fill: none; stroke-width: 2 }',
  '@media (prefers-color-scheme: dark) { text { fill: #ddd } .page { fill: #111 } ' +
    '.grid { stroke: #333 } }',
].join('\n');

/** Text inside an element: no markup, nothing that XML does not allow. */
const escaped = (text: string): string =>
  text
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (value: number): number => Math.round(value * 10) / 10;

/** What a reader hears instead. */
function describe(curves: readonly Curve[]): string {
  return curves
    .map((curve) => {
      const { steps, losses } = curve;
      const last = losses.length - 1;
      return (
        `${labelOf(curve, curves)}: from ${losses[0].toFixed(4)} at step ${count(steps[0])} ` +
        `to ${losses[last].toFixed(4)} at step ${count(steps[last])}, lowest ` +
        `${losses.reduce((a, b) => Math.min(a, b)).toFixed(4)}`
      );
    })
    .join('; ');
}

/** The chart. `unit`: of the loss, as "nats a token". */
export function svgChart(title: string, unit: string, curves: readonly Curve[]): string {
  const thinned = curves.map((curve) => thin(curve, MOST_POINTS));
  const { steps, losses } = rangesOf(thinned);
  const height = HEIGHT + LINE * curves.length;
  const right = WIDTH - RIGHT;
  const low = HEIGHT - BOTTOM;
  const atX = (step: number): number =>
    round(LEFT + ((step - steps[0]) / (steps[1] - steps[0])) * (right - LEFT));
  const atY = (loss: number): number =>
    round(low - ((loss - losses[0]) / (losses[1] - losses[0])) * (low - TOP));
  const stroke = (curve: Curve, i: number): string => {
    const run = [...new Set(curves.map((one) => one.run))].indexOf(curve.run);
    const which = curves.some((one) => one.run !== curve.run) ? run : i;
    const dashes = curve.kind === 'validation' ? ' stroke-dasharray="6 3"' : '';
    return `class="curve" stroke="${COLOURS[which % COLOURS.length]}"${dashes}`;
  };
  const text = (x: number, y: number, content: string, more = ''): string =>
    `<text x="${x}" y="${y}"${more}>${escaped(content)}</text>`;
  const middle = ' text-anchor="middle"';
  const halfway = (TOP + low) / 2;
  const parts = [
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    text(LEFT, 24, title, ' class="title"'),
    ...ticks(losses, TICKS).flatMap((loss) => [
      `<path class="grid" d="M${LEFT} ${atY(loss)}H${right}"/>`,
      text(LEFT - 8, atY(loss) + 4, String(loss), ' text-anchor="end"'),
    ]),
    ...ticks(steps, TICKS)
      .filter(Number.isInteger)
      .map((step) => text(atX(step), low + 20, count(step), middle)),
    `<path class="axis" fill="none" d="M${LEFT} ${TOP}V${low}H${right}"/>`,
    text((LEFT + right) / 2, low + 42, 'step', middle),
    text(16, halfway, `loss in ${unit}`, `${middle} transform="rotate(-90 16 ${halfway})"`),
    ...thinned.map(
      (curve, i) =>
        `<path ${stroke(curve, i)} ` +
        `d="M${curve.steps.map((step, j) => `${atX(step)} ${atY(curve.losses[j])}`).join('L')}"/>`,
    ),
    ...curves.flatMap((curve, i) => {
      const y = HEIGHT + LINE * i;
      return [
        `<path ${stroke(curve, i)} d="M${LEFT} ${y}h30"/>`,
        text(LEFT + 40, y + 4, labelOf(curve, curves)),
      ];
    }),
  ];
  const box = `viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}>
<title id="title">${escaped(title)}</title>
<desc id="desc">${escaped(`Loss in ${unit} against steps. ${describe(curves)}.`)}</desc>
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`;
}

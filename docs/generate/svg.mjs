// Charts as plain SVG: no fonts, scripts or styles from elsewhere, readable on light and dark
// pages, with a title and a description for those who cannot see them.

export const BOLD = 'font-weight="bold"';
export const MIDDLE = 'text-anchor="middle"';
export const END = 'text-anchor="end"';

/** What a colour is on a light and on a dark ground. Every one may be that of a text: its contrast
 *  to the ground is 4.5 or more (WCAG AA), which a test holds. */
export const PALETTE = {
  blue: ['#0b57d0', '#7cacf8'],
  'light-blue': ['#3f74cc', '#a9c7fa'],
  red: ['#b3261e', '#f2928b'],
  green: ['#14713a', '#6fce8f'],
  orange: ['#a35200', '#f0a35e'],
  purple: ['#7627bb', '#c58af9'],
  teal: ['#00727c', '#5cc8d3'],
  pink: ['#b5175e', '#f48fb8'],
  grey: ['#5f6368', '#a9adb2'],
  ochre: ['#7a6000', '#d9bb4a'],
};
export const GROUND = ['#ffffff', '#16181b'];
const INK = ['#333333', '#dddddd'];
const GRID = ['#dddddd', '#3a3d41'];

/** A text, of the colour of the page's or of one of PALETTE. */
export const text = (x, y, content, more = '', color = 'ink') =>
  `<text x="${x}" y="${y}" class="${color}"${more === '' ? '' : ` ${more}`}>${content}</text>`;
/** Attributes of what is drawn, or filled, with a colour of PALETTE. */
export const drawn = (color) => `class="${color}" stroke="currentColor" fill="none"`;
export const filled = (color) => `class="${color}" fill="currentColor"`;
/** What is beside the point. */
export const FAINT = 'fill-opacity="0.55"';

/** A coordinate with one digit after the point. */
export const round = (value) => Math.round(value * 10) / 10;

/** The rules of the colours that are used: first the light ones, then the dark ones. */
function style(parts) {
  const used = Object.entries({ ink: INK, ...PALETTE }).filter(([name]) =>
    parts.some((part) => part.includes(`class="${name}"`)),
  );
  const rules = (i) =>
    [
      `.ground{fill:${GROUND[i]}}.grid{stroke:${GRID[i]}}text{stroke:${GROUND[i]}}`,
      ...used.map(([name, colors]) => `.${name}{color:${colors[i]}}`),
    ].join('');
  return (
    'text{font-family:sans-serif;font-size:13px;fill:currentColor;' +
    `paint-order:stroke;stroke-width:4px}${rules(0)}\n` + // no line goes through a text
    `@media (prefers-color-scheme:dark){${rules(1)}}`
  );
}

/** Text inside an element. */
const escaped = (words) => words.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Parts on a ground. */
export const svg = ({ title, description, width, height }, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
  'aria-labelledby="title desc">\n' +
  `<title id="title">${escaped(title)}</title>\n<desc id="desc">${escaped(description)}</desc>\n` +
  `<style>${style(parts)}</style>\n` +
  `<rect class="ground" width="${width}" height="${height}"/>\n${parts.join('\n')}\n</svg>\n`;

/** Lines in words: where each begins and ends. series: [{ label, points: [[x, y], ...] }], `write`
 *  a value, `place` what x is. */
export const describeLines = (series, place, write) =>
  `${series
    .map(({ label, points }) => {
      const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
      return `${label}: ${write(y0)} at ${place} ${x0}, ${write(y1)} at ${place} ${x1}`;
    })
    .join('; ')}.`;

/** The powers of two at or beyond the ends of positive values: [low, high] as exponents. */
export const exponents = (values) => [
  Math.floor(Math.log2(Math.min(...values))),
  Math.ceil(Math.log2(Math.max(...values))),
];

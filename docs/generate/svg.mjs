// Charts as plain SVG: no fonts, scripts or styles from elsewhere, readable on light and dark
// pages.

export const BOLD = 'font-weight="bold"';
export const MIDDLE = 'text-anchor="middle"';
export const END = 'text-anchor="end"';

export const text = (x, y, content, more = '', color = '#333') =>
  `<text x="${x}" y="${y}" font-family="sans-serif" font-size="13" ` +
  `fill="${color}"${more === '' ? '' : ` ${more}`}>${content}</text>`;

/** A coordinate with one digit after the point. */
export const round = (value) => Math.round(value * 10) / 10;

/** Parts on a white ground. */
export const svg = ({ title, width, height }, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
  `aria-label="${title}">\n<rect width="${width}" height="${height}" fill="#fff"/>\n` +
  `${parts.join('\n')}\n</svg>\n`;

/** The powers of two at or beyond the ends of positive values: [low, high] as exponents. */
export const exponents = (values) => [
  Math.floor(Math.log2(Math.min(...values))),
  Math.ceil(Math.log2(Math.max(...values))),
];

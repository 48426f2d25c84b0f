// Charts as plain SVG, drawn from result files: no fonts, scripts or styles from elsewhere,
// readable on light and dark pages.

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 150;
const TOP = 36;
const BOTTOM = 48;
const text = (x, y, content, more = '', color = '#333') =>
  `<text x="${x}" y="${y}" font-family="sans-serif" font-size="13" ` +
  `fill="${color}"${more === '' ? '' : ` ${more}`}>${content}</text>`;
/** 2^e as people write it: 4, 1/4. */
const powerOfTwo = (e) => (e < 0 ? `1/${2 ** -e}` : String(2 ** e));
const round = (value) => Math.round(value * 10) / 10;

/** Powers of two from 2^low to 2^high on a logarithmic axis. */
const exponents = (values) => ({
  low: Math.floor(Math.log2(Math.min(...values))),
  high: Math.ceil(Math.log2(Math.max(...values))),
});

/** Lines over logarithmic axes. series: [{ label, color, points: [[x, y], ...] }]. */
function logLogChart({ title, xLabel, yLabel, xs, series }) {
  const x = exponents(xs);
  const y = exponents(series.flatMap(({ points }) => points.map(([, value]) => value)));
  const atX = (value) =>
    round(LEFT + ((Math.log2(value) - x.low) / (x.high - x.low)) * (WIDTH - LEFT - RIGHT));
  const atY = (value) =>
    round(
      HEIGHT - BOTTOM - ((Math.log2(value) - y.low) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM),
    );
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 20, title, 'font-weight="bold"'),
  ];
  for (let e = y.low; e <= y.high; e += 2)
    parts.push(
      `<path d="M${LEFT} ${atY(2 ** e)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      text(LEFT - 8, atY(2 ** e) + 4, powerOfTwo(e), 'text-anchor="end"'),
    );
  for (const value of xs)
    parts.push(text(atX(value), HEIGHT - BOTTOM + 18, value, 'text-anchor="middle"'));
  parts.push(
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xLabel, 'text-anchor="middle"'),
    text(
      14,
      (TOP + HEIGHT - BOTTOM) / 2,
      yLabel,
      `text-anchor="middle" transform="rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})"`,
    ),
  );
  for (const { label, color, points } of series) {
    const [lastX, lastY] = points.at(-1);
    parts.push(
      `<path d="M${points.map(([px, py]) => `${atX(px)} ${atY(py)}`).join('L')}" fill="none" ` +
        `stroke="${color}" stroke-width="2"/>`,
    );
    for (const [px, py] of points)
      parts.push(`<circle cx="${atX(px)}" cy="${atY(py)}" r="3" fill="${color}"/>`);
    parts.push(text(atX(lastX) + 8, atY(lastY) + 4, label, '', color));
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" ` +
    `aria-label="${title}">\n${parts.join('\n')}\n</svg>\n`
  );
}

/** Bytes kept of the forward pass against depth, reversible and stored. data:
 *  bench/results/memory.json. */
export function memoryChart({ rows, channels, context, batch }) {
  const mib = (bytes) => bytes / 2 ** 20;
  const line = (label, color, bytes) => ({
    label,
    color,
    points: rows.map((row) => [row.layers, mib(bytes(row))]),
  });
  return logLogChart({
    title: `Memory of the forward pass: ${channels} channels, context ${context}, batch ${batch}`,
    xLabel: 'layers',
    yLabel: 'MiB',
    xs: rows.map(({ layers }) => layers),
    series: [
      line('stored', '#b3261e', ({ none }) => none.bytes.states),
      line('states, reversible', '#0b57d0', ({ bdia }) => bdia.bytes.states),
      line('side bits', '#188038', ({ bdia }) => bdia.bytes.sideBits),
    ],
  });
}

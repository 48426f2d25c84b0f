// HexaConv (Hoogeboom, Peters, Cohen, Welling 2018): convolution on a hexagonal lattice, planar and
// over the group p6 of its translations and turns by 60 degrees. Windows are gathered by a table,
// in the six orders of a filter that is turned; what is left is a linear layer, so the six share
// their weights.

import { linear, sequential } from 'retrograd';

/** Turns of a filter. */
export const TURNS = 6;

/** A filter's cells in axial coordinates: itself and its neighbours, each of which is
 *  the one before turned by 60 degrees. */
const CELLS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [0, -1],
  [1, -1],
];

/** A place turned by 60 degrees, `times` times. */
function turn([q, r], times = 1) {
  for (let i = 0; i < times; i++) [q, r] = [-r, q + r];
  return [q, r];
}

/** The cells of a hexagon of such a radius, row by row: 3 R (R + 1) + 1 places [q, r]. */
export function hexagon(radius) {
  const across = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
  const all = across.flatMap((r) => across.map((q) => [q, r]));
  return all.filter(([q, r]) => Math.abs(q + r) <= radius);
}

/** Of each place of a hexagon its number, -1 outside. */
function numbering(radius) {
  const numbers = new Map(hexagon(radius).map(([q, r], i) => [`${q} ${r}`, i]));
  return ([q, r]) => numbers.get(`${q} ${r}`) ?? -1;
}

/** An image of a hexagon turned by 60 degrees. */
export function turned(image, radius) {
  const numberOf = numbering(radius);
  const out = image.slice();
  hexagon(radius).forEach((place, i) => {
    out[numberOf(turn(place))] = image[i];
  });
  return out;
}

/** For every row of the output the rows of the input in its window, -1 for zeros outside. A row of
 *  a group's signal is [cell, turn]. In turn s, part j of the filter is at the turned place, and of
 *  a group's signal part t looks at turn s + t. */
function windowsOf(radius, { fromGroup, toGroup }) {
  const numberOf = numbering(radius);
  const range = (is) => Array.from({ length: is ? TURNS : 1 }, (_, t) => t);
  const part = ([q, r], s, cell) => {
    const [dq, dr] = turn(cell, s);
    const at = numberOf([q + dq, r + dr]);
    const row = (t) => (fromGroup ? at * TURNS + ((s + t) % TURNS) : at);
    return range(fromGroup).map((t) => (at < 0 ? -1 : row(t)));
  };
  return hexagon(radius).flatMap((place) =>
    range(toGroup).map((s) => CELLS.flatMap((cell) => part(place, s, cell))),
  );
}

/** Gathers windows: operand [rows, C] to operand [windows, parts * C]. */
const windows = (radius, toGroup) => {
  const cells = hexagon(radius).length;
  return {
    takes: ['operand'],
    output: ({ rows, columns }) => {
      const parts = CELLS.length * (rows > cells ? TURNS : 1);
      return { kind: 'operand', rows: cells * (toGroup ? TURNS : 1), columns: parts * columns };
    },
    plan: (_, { rows, columns }) => {
      const shape = { fromGroup: rows > cells, toGroup };
      return new Windows(windowsOf(radius, shape), rows, columns);
    },
  };
};

class Windows {
  needsInput = false;

  constructor(table, rows, columns) {
    Object.assign(this, { windows: table.length, parts: table[0].length, columns });
    this.rows = Int32Array.from(table.flat());
    this.sums = new Float64Array(rows * columns);
  }

  saved() {}

  rowsOf() {
    return this.windows;
  }

  /** Parts of a window are alike and may add up: to sqrt(parts) of what they would alone. */
  prepare(_, x, y) {
    y.fraction = x.fraction;
    y.range.deviation = x.range.deviation * (this.parts > CELLS.length ? 8 : 4);
    y.range.offset = x.range.offset;
  }

  forward({ int16 }, x, _, y) {
    const { rows, columns, windows } = this;
    y.rows = windows;
    for (let i = 0; i < rows.length; i++) {
      const from = x.at / 2 + rows[i] * columns;
      const to = y.at / 2 + i * columns;
      for (let c = 0; c < columns; c++) int16[to + c] = rows[i] < 0 ? 0 : int16[from + c];
    }
  }

  /** A row of x is in at most 42 windows: their sum, exact in a double, is divided by 2^6. */
  backward({ int32 }, dy, _x, _, dx) {
    if (dx === undefined) return;
    const { rows, columns, sums } = this;
    sums.fill(0);
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [dy.at / 4 + i * columns, rows[i] * columns];
      for (let c = 0; to >= 0 && c < columns; c++) sums[to + c] += int32[from + c];
    }
    for (let i = 0; i < sums.length; i++) int32[dx.at / 4 + i] = Math.floor(sums[i] / 64 + 0.5);
    dx.exponent = dy.exponent + 6;
  }
}

/** A hexagonal convolution with `out` channels of 7 cells on an image of a hexagon: planar, or to
 *  the group p6, [cells * 6, out], from the plane or the group. */
export function hexConv(out, { radius, toGroup = true, name = 'hex' }) {
  const gather = windows(radius, toGroup);
  const of = (input) => {
    const deviation = Math.sqrt(2 / gather.output(input).columns); // He et al. 2015
    return sequential(gather, linear(out, { name, bias: true, deviation }));
  };
  return {
    takes: ['operand'],
    output: (input, wanted) => of(input).output(input, wanted),
    plan: (at, input, wanted) => of(input).plan(at, input, wanted),
  };
}

// HexaConv (Hoogeboom, Peters, Cohen, Welling 2018): convolution on a hexagonal lattice, planar and
// over the group p6 of its translations and turns by 60 degrees. Windows are gathered by a table,
// in the six orders of a filter that is turned; what is left is a linear layer, so the six share
// their weights.

import { linear, sequential } from 'retrograd';

/** Turns of a filter. */
export const TURNS = 6;

/** Cells of a filter, axial coordinates: the middle, then neighbours, each a turn of the last. */
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
    plan: (_, { rows, columns }) =>
      new Windows(windowsOf(radius, { fromGroup: rows > cells, toGroup }), rows, columns),
  };
};

class Windows {
  needsInput = false;

  constructor(table, rows, columns) {
    Object.assign(this, { windows: table.length, columns });
    this.rows = Int32Array.from(table.flat());
    this.sums = new Int32Array(rows * columns);
    /** Of each row of x where it is in the windows. */
    this.places = Array.from({ length: rows }, () => []);
    this.rows.forEach((row, i) => void this.places[row]?.push(i));
  }

  saved() {}

  rowsOf() {
    return this.windows;
  }

  prepare(_, x, y) {
    y.fraction = x.fraction;
    y.range.deviation = x.range.deviation;
    y.range.offset = x.range.offset;
  }

  /** An even number of channels moves two at a time. */
  forward({ int16, int32 }, x, _, y) {
    y.rows = this.windows;
    if (this.columns % 2 === 1) gather(int16, x.at / 2, this.rows, this.columns, y.at / 2);
    else gather(int32, x.at / 4, this.rows, this.columns / 2, y.at / 4);
  }

  /** A row of x is in at most 42 windows: their sum, exact in a double, is divided by 2^6. */
  backward({ int32 }, dy, _x, _, dx) {
    if (dx === undefined) return;
    const { columns, places, sums } = this;
    for (let i = 0; i < sums.length; i++) {
      const from = dy.at / 4 + (i % columns);
      let sum = 0;
      for (const place of places[Math.floor(i / columns)]) sum += int32[from + place * columns];
      sums[i] = Math.floor(sum / 64 + 0.5);
    }
    int32.set(sums, dx.at / 4);
    dx.exponent = dy.exponent + 6;
  }
}

/** Rows of `size` numbers one after the other, zeros for row -1. */
function gather(memory, from, rows, size, to) {
  let at = to;
  for (let i = 0; i < rows.length; i++) {
    const row = from + rows[i] * size;
    for (let c = 0; c < size; c++) memory[at++] = rows[i] < 0 ? 0 : memory[row + c];
  }
}

/** A hexagonal convolution with `out` channels of 7 cells on an image of a hexagon: planar, or to
 *  the group p6, [cells * 6, out], from the plane or the group. */
export function hexConv(out, { radius, toGroup = true, name = 'hex', bias = true }) {
  const unfold = windows(radius, toGroup);
  const of = (input) => {
    const deviation = Math.sqrt(2 / unfold.output(input).columns); // He et al. 2015
    return sequential(unfold, linear(out, { name, bias, deviation }));
  };
  return {
    takes: ['operand'],
    output: (input, wanted) => of(input).output(input, wanted),
    plan: (at, input, wanted) => of(input).plan(at, input, wanted),
  };
}

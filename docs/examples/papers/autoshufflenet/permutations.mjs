// Permutations as tables of places, and how a matrix becomes one.

/** 1 as a weight: 24 fraction bits. */
const ONE = 2 ** 24;

/** The permutation near M: of every row a place, the largest elements first, of rows and columns
 *  that have none. Rows of channels that nothing looks at have no largest one. */
export function rounded(M, C) {
  const order = Array.from(M, (_, at) => at).sort((a, b) => M[b] - M[a] || a - b);
  const places = Array(C).fill(-1);
  for (const at of order) {
    const [row, column] = [Math.floor(at / C), at % C];
    if (places[row] < 0 && !places.includes(column)) places[row] = column;
  }
  return places;
}

/** Makes M a permutation, exactly: 0 and 1. */
export function permute(M, places) {
  M.fill(0);
  places.forEach((place, row) => {
    M[row * places.length + place] = ONE;
  });
}

/** ShuffleNet's: channel j of group i becomes channel i of group j. */
export const handMade = (C, groups) =>
  Array.from({ length: C }, (_, c) => (c % groups) * (C / groups) + Math.floor(c / groups));

/** Lowers what the free columns cost when `column` and its row are left for them; the cheapest. */
function nextOf({ gain, n, ofRow, ofColumn, rowAt }, { least, from, isSeen }, column) {
  const row = rowAt[column];
  let next = -1;
  for (let j = 0; j < n; j++) {
    if (isSeen[j]) continue;
    const cost = -gain[row * n + j] - ofRow[row] - ofColumn[j];
    if (cost < least[j]) [least[j], from[j]] = [cost, column];
    if (next < 0 || least[j] < least[next]) next = j;
  }
  return next;
}

/** Gives a row a place, by the cheapest way on which others move. Column n is where it begins. */
function place(state, row) {
  const { n, ofRow, ofColumn, rowAt } = state;
  const least = new Float64Array(n).fill(Infinity);
  const way = { least, from: new Int32Array(n), isSeen: new Uint8Array(n + 1) };
  let column = n;
  rowAt[n] = row;
  while (rowAt[column] >= 0) {
    way.isSeen[column] = 1;
    const next = nextOf(state, way, column);
    const step = least[next];
    for (let j = 0; j <= n; j++) {
      if (!way.isSeen[j]) least[j] -= step;
      else [ofRow[rowAt[j]], ofColumn[j]] = [ofRow[rowAt[j]] + step, ofColumn[j] - step];
    }
    column = next;
  }
  for (; column < n; column = way.from[column]) rowAt[column] = rowAt[way.from[column]];
}

/** The best rounding that there is: of every row its place, so that the sum of gain [n, n] at these
 *  places is the largest (Kuhn 1955, with potentials). */
export function assignment(gain, n) {
  const [ofRow, ofColumn] = [new Float64Array(n), new Float64Array(n + 1)];
  const rowAt = new Int32Array(n + 1).fill(-1);
  for (let row = 0; row < n; row++) place({ gain, n, ofRow, ofColumn, rowAt }, row);
  const places = Array(n);
  for (let j = 0; j < n; j++) places[rowAt[j]] = j;
  return places;
}

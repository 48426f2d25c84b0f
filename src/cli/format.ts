// Numbers as people read them.

import { printableLine } from './printable.ts';

/** 1234567 as 1,234,567. */
export const count = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');

/** 0.97125 as 97.13 %. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** Bytes in the largest unit that leaves a whole part. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? count(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Bytes in MiB, as all rows of a table are. */
export const mebibytes = (value: number): string => `${(value / 2 ** 20).toFixed(2)} MiB`;

/** Seconds as 8.4 s, 2 min 05 s, 3 h 07 min. */
export function duration(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
}

/** Rows of cells as columns two spaces apart; the columns of `right` are aligned to the right. */
export function table(
  given: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const rows = given.map((row) => row.map(printableLine)); // a cell may hold what a file says
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(cell.length, all[i] ?? 0)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

// Markdown of the generated pages: tables, code, and numbers.

const cell = (text) => String(text).replaceAll('|', '\\|');

/** rows of cells as a Markdown table; columns of `right` are aligned to the right. */
export const table = (head, rows, right = []) =>
  [
    `| ${head.map(cell).join(' | ')} |`,
    `| ${head.map((_, i) => (right.includes(i) ? '---:' : '---')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');

export const code = (text) => `\`${text}\``;
export const fenced = (text, language = 'text') => `\`\`\`${language}\n${text}\n\`\`\``;

/** A number with commas between thousands and so many digits after the point. */
export const grouped = (value, digits = 0) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
/** A whole number. */
export const count = (value) => grouped(Math.round(value));

/** A word in hexadecimal. */
export const hex32 = (word) => `0x${word.toString(16).padStart(8, '0')}`;
/** Bytes in hexadecimal, apart. */
export const hexBytes = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** Bytes in MiB, with two digits after the point below 10 MiB and one above. */
export const mib = (bytes) => grouped(bytes / 2 ** 20, bytes < 10 * 2 ** 20 ? 2 : 1);
/** Where numbers were measured: the stamp of a result file. */
export const environment = ({ cpu, cores, system, node, date, commit }) =>
  `${cpu}, ${cores} cores, ${system}, Node ${node}, ${date}, commit ${commit ?? 'unknown'}`;

// Text that comes from a file, as a terminal may be given it: what would move its cursor, change
// its colours or title, or turn the direction of writing is shown as \u escapes.

/** Control characters but tab and line feed; what ends lines; marks that turn text round. */
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Tabs and line breaks stay, those of Windows as line feeds. */
export const printable = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(CONTROLS, escaped);

/** On one line. */
export const printableLine = (text: string): string =>
  printable(text.replaceAll('\r\n', '\n')).replaceAll('\n', '\\n').replaceAll('\t', '\\t');

/** JSON that may be shown: the same value, in characters that no terminal obeys. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(CONTROLS, escaped);

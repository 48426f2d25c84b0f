/** The expression of these parts, one after the other, with the flags of the last: for those that
 *  are too long for a line. */
export const pattern = (...parts: RegExp[]): RegExp =>
  new RegExp(parts.map(({ source }) => source).join(''), parts.at(-1)?.flags);

// What the place shows that output goes to: how wide it is, whether it has colours and can move its
// cursor; and texts broken between words to fit it.

const USUAL_COLUMNS = 80;
const FEWEST_COLUMNS = 20;

/** Standard output is a terminal whose cursor moves. */
export const isLively = (): boolean => process.stdout.isTTY && process.env.TERM !== 'dumb';
/** No character beyond ASCII, no colour. */
export const isPlainTerminal = (): boolean => process.env.TERM === 'dumb';

/** Whether standard output shows colours (https://no-color.org). */
export const hasColour = (): boolean => isLively() && (process.env.NO_COLOR ?? '') === '';

/** Columns of the terminal; 80, or what COLUMNS says, where there is none. */
export function terminalColumns(): number {
  const { columns } = process.stdout;
  const said = Number(process.env.COLUMNS);
  if (columns > 0) return Math.max(FEWEST_COLUMNS, columns);
  return Number.isInteger(said) && said > 0 ? Math.max(FEWEST_COLUMNS, said) : USUAL_COLUMNS;
}

/** Where the lines after the first begin: below the second column of a table, or below the text. */
function indentOf(line: string, columns: number): number {
  const [lead] = /^ */.exec(line) as RegExpExecArray;
  const cell = /^ *\S.*? {2,}(?=\S)/.exec(line)?.[0].length ?? lead.length;
  return cell <= columns / 2 ? cell : lead.length + 2;
}

const COLOUR = /\u001b\[\d+m/g;
/** Characters that a terminal shows of a text with colours. */
export const shownLength = (text: string): number => text.replace(COLOUR, '').length;

/** A line as lines of at most `columns`, broken at spaces; a longer word has a line of its own. */
function breakLine(line: string, columns: number): string[] {
  if (shownLength(line) <= columns) return [line];
  const indent = indentOf(line, columns);
  const lines = [''];
  const indentFor = ({ length }: string): number =>
    indent + length <= columns ? indent : Math.max(0, Math.min(2, columns - length));
  for (const piece of line.match(/ *[^ ]+/g) ?? []) {
    const last = lines[lines.length - 1];
    const word = piece.trimStart();
    if (last.length + piece.length <= columns || last.trim() === '')
      lines[lines.length - 1] += last.trim() === '' && last !== '' ? word : piece;
    else lines.push(' '.repeat(indentFor(word)) + word);
  }
  return lines;
}

/** An error as a terminal shows it best: broken between words, but a command to be pasted, which
 *  begins with `program`, is on a line of its own and whole. */
export function breakError(line: string, program: string, columns: number): string {
  const hint = line.lastIndexOf('HINT: ');
  const command = hint < 0 ? -1 : line.indexOf(`${program} `, hint);
  if (command < 0) return breakText(line, columns);
  return `${breakText(line.slice(0, command).trimEnd(), columns)}\n${line.slice(command)}`;
}

/** A text broken between words. */
export const breakText = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap((line) => breakLine(line, columns))
    .join('\n');

// A line that says on a terminal what goes on while nothing else is shown.

import { write } from './output.ts';
import { isLively, terminalColumns } from './terminal.ts';

/** Says on a terminal what goes on, in a line that is gone with the next; '': with nothing. */
export function status(text: string): void {
  if (isLively()) write(`\r\u001b[K${text.slice(0, terminalColumns() - 1)}`);
}

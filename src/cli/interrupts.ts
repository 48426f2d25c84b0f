// A signal that asks to end, as Ctrl-C, a closed terminal or a batch system's limit send it: the
// step that is running ends, the checkpoint is written, the command exits with the shell's number
// for the signal. A second one ends the process at once; the last checkpoint stays whole.

import { constants } from 'node:os';

const ENDING: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGBREAK',
  'SIGUSR2',
  'SIGALRM',
  'SIGXCPU',
  'SIGPWR',
];
/** Signals that would end the process, can be caught, and exist on this system. */
const ASKING = ENDING.filter((name) => constants.signals[name] !== undefined);

/** Milliseconds within which signals are one: a terminal tells every process of a command, and npm
 *  or a shell that is told passes it on. */
const ONE_SIGNAL = 500;

export class Interrupts {
  /** That of the signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP; undefined before any. */
  exitCode: number | undefined;
  private since = 0;

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    const code = 128 + constants.signals[signal];
    if (this.exitCode === undefined) this.since = performance.now();
    else if (performance.now() - this.since > ONE_SIGNAL) process.exit(code);
    this.exitCode ??= code;
  };

  constructor() {
    for (const name of ASKING) process.on(name, this.onSignal);
  }

  /** Signals end the process again, as without this class. */
  release(): void {
    for (const name of ASKING) process.off(name, this.onSignal);
  }
}

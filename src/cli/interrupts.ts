// Ctrl-C during training: the step that is running ends, the checkpoint is written, the command exits with the shell's number
// for the signal. A second Ctrl-C ends the process at once; the last checkpoint stays whole.

import { constants } from 'node:os';

export class Interrupts {
  /** The exit code that the signal asks for: 130 for SIGINT, 143 for SIGTERM; undefined before any. */
  exitCode: number | undefined;

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    const code = 128 + constants.signals[signal];
    if (this.exitCode !== undefined) process.exit(code);
    this.exitCode = code;
  };

  constructor() {
    process.on('SIGINT', this.onSignal).on('SIGTERM', this.onSignal);
  }

  /** Signals end the process again, as without this class. */
  release(): void {
    process.off('SIGINT', this.onSignal).off('SIGTERM', this.onSignal);
  }
}

// Saves of one run: on the way, where a failure is made good by the next one, and at the end.

import type { RetrogradError } from './library.ts';
import type { RunDirectory } from './run-directory.ts';
import { attempt, type NamedFile, type Rescue, saveSurely } from './saving.ts';

/** The checkpoint of a step that is kept (--keep-states). */
export const stateFile = (step: number): string => `state-${step}.safetensors`;

export class RunSaver {
  /** Set if the last save could not be written where it belongs. */
  rescue: Rescue | undefined;

  /** `encode` makes the files of the step that the trainer is at, or the checkpoint under a name.
   *  */
  constructor(
    private readonly home: RunDirectory,
    private readonly encode: (name?: string) => Promise<NamedFile[]>,
  ) {}

  /** Where the last save is. */
  get directory(): string {
    return this.rescue?.directory ?? this.home.path;
  }

  /** A save on the way, with `step` kept under the name of that step too; returns why it failed,
   *  if it did. */
  onTheWay(step?: number): Promise<RetrogradError | undefined> {
    return attempt(async () => {
      await this.writeAs();
      if (step !== undefined) await this.writeAs(stateFile(step));
    });
  }

  /** Saves, the checkpoint under a name if one is given. Throws RetrogradError. */
  async writeAs(name?: string): Promise<void> {
    for (const { file, bytes } of await this.encode(name)) this.home.write(file, bytes);
  }

  /** The save that no other follows. Throws RetrogradError if it cannot be written anywhere. */
  async atEnd(): Promise<void> {
    const files = await this.encode();
    this.rescue = await saveSurely(files, (file, bytes) => this.home.write(file, bytes));
  }
}

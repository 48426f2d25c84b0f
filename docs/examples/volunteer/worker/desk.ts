// Answers the page's questions: looks for a run, then helps it.

import type { NatsConnection } from '@nats-io/nats-core';
import { RetrogradError, UsageError } from 'retrograd';
import { fetchManifest } from 'retrograd/nats';
import { verify } from 'retrograd/verify';
import { type Place, problemOf } from '../address.ts';
import type { Asked, Event, Question } from '../protocol.ts';
import { connectTo } from './connection.ts';
import { Help } from './help.ts';
import { readManifest, type TextRun } from './manifest.ts';

type Handlers = {
  [Q in Question]: (given: Asked[Q]['given']) => Asked[Q]['answer'] | Promise<Asked[Q]['answer']>;
};

/** A run that was found, and the way to it. */
interface Found {
  readonly place: Place;
  readonly connection: NatsConnection;
  readonly run: TextRun;
}

/** Digest of the answers of all kernels in this browser. Throws RetrogradError. */
function kernelsHere(): string {
  const { equal, digest } = verify();
  if (equal) return digest;
  throw new RetrogradError('this browser does not compute the published answers');
}

async function look(place: Place, kernels: string): Promise<Found> {
  const connection = await connectTo(place);
  try {
    const found = await fetchManifest(connection, place.run);
    if (found === undefined)
      throw new RetrogradError(
        `the server does not have the run ${place.run}, or does not show it to this user`,
        'look at its name; a run that is complete is gone',
      );
    const run = await readManifest(found, place.run);
    if (run.kernels !== kernels)
      throw new RetrogradError(
        'the run was begun by another build: its kernels give other answers than those here',
        'reload the page; it may be of another version than the run',
      );
    return { place, connection, run };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

export class Desk {
  private kernels: string | undefined;
  private found: Found | undefined;
  private help: Help | undefined;

  constructor(private readonly emit: (event: Event) => void) {}

  readonly handlers: Handlers = {
    look: async ({ place }) => {
      const problem = problemOf(place);
      if (problem !== undefined) throw new UsageError(problem);
      await this.found?.connection.close();
      this.found = undefined;
      this.kernels ??= kernelsHere();
      this.found = await look(place, this.kernels);
      return this.found.run.info;
    },
    start: async ({ most }) => {
      const { found, kernels } = this;
      if (found === undefined || kernels === undefined)
        throw new UsageError('no run was looked for yet', 'press: Look for the run');
      const { connection, run, place } = found;
      const wish = { name: place.name, most, kernels };
      this.help = await Help.open(connection, run, wish, this.emit);
      this.found = undefined; // its connection is the help's now
      this.help.go();
      return {};
    },
    pause: () => this.helping((help) => help.pause()),
    resume: () => this.helping((help) => help.resume()),
    stop: () => this.helping((help) => help.stop()),
  };

  /** What has ended meanwhile has said so, and does not mind. */
  private helping(act: (help: Help) => void): object {
    if (this.help !== undefined) act(this.help);
    return {};
  }
}

// What page and worker say to each other. The page asks and is answered by number; what happens
// while parts are computed comes as events. The page holds no weight and computes nothing.

import type { Failure } from '../../playground/protocol.ts';
import type { Place } from './address.ts';

/** What a run is, and what it would cost to take part, before anything of it is fetched. */
export interface RunInfo {
  readonly parameters: number;
  readonly layers: number;
  readonly channels: number;
  readonly steps: number;
  /** Tokens of one sample. */
  readonly context: number;
  /** Bytes of the text that it learns. */
  readonly text: number;
  /** Bytes to begin with, then of each step and of each part: about so many. */
  readonly begin: number;
  readonly eachStep: number;
  readonly eachPart: number;
}

/** Questions of the page, and the worker's answers. */
export interface Asked {
  look: { given: { place: Place }; answer: RunInfo };
  start: { given: { most: number | undefined }; answer: object };
  pause: { given: object; answer: object };
  resume: { given: object; answer: object };
  stop: { given: object; answer: object };
}
export type Question = keyof Asked;

/** What happens in the worker. */
export type Event =
  | {
      readonly kind: 'done';
      readonly parts: number;
      /** Samples of parts that are computed or being computed. */
      readonly samples: number;
      /** The step of the last part, counted from 1; 0: none yet. */
      readonly step: number;
      /** Bytes that were sent and received, of all kinds. */
      readonly up: number;
      readonly down: number;
    }
  /** Nothing is computed or asked for any more until it is resumed. */
  | { readonly kind: 'paused' }
  /** What became of the connection, in words. */
  | { readonly kind: 'connection'; readonly words: string }
  | { readonly kind: 'end'; readonly why: string }
  | { readonly kind: 'failed'; readonly step: number; readonly failure: Failure };

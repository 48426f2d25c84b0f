// What page and worker say to each other. The page asks and is answered by number; what happens
// while a run learns comes as events. The page holds no weight and computes nothing.

import type { Failure } from '../../playground/protocol.ts';
import type { Stroke } from './picture.ts';
import type { Settings } from './settings.ts';
import type { Verdict } from './strange.ts';

/** How a run stands. */
export interface RunInfo {
  readonly settings: Settings;
  readonly parameters: number;
  readonly memory: number;
  readonly threads: number;
  readonly threadsNote: string;
  /** Images that are learned, and that are only judged. */
  readonly known: number;
  readonly unseen: number;
}

/** What is seen in a drawing. */
export interface Sight {
  /** uint8 [8, 8], what the network sees; undefined if there is no form. */
  readonly picture: Uint8Array | undefined;
  /** Of each digit, 0..1; undefined before anything was learned. */
  readonly probabilities: readonly number[] | undefined;
  /** How far the most similar learned digit is, as `distanceOf` has it. */
  readonly distance: number | undefined;
  readonly verdict: Verdict;
  readonly step: number;
}

/** Questions of the page, and the worker's answers. */
export interface Asked {
  start: { given: { settings: Settings; threads: number }; answer: RunInfo };
  pause: { given: object; answer: { step: number } };
  resume: { given: object; answer: { step: number } };
  stop: { given: object; answer: { step: number } };
  look: { given: { strokes: readonly Stroke[]; pad: number }; answer: Sight };
}
export type Question = keyof Asked;

/** What happens in the worker. */
export type Event =
  | {
      readonly kind: 'steps';
      /** The last step, and the losses of all since the last event. */
      readonly step: number;
      readonly losses: readonly number[];
      readonly threads: number;
    }
  | {
      readonly kind: 'judged';
      readonly step: number;
      readonly loss: number;
      /** Share of the unseen digits that is recognised, and how many were looked at. */
      readonly accuracy: number;
      readonly images: number;
    }
  | {
      readonly kind: 'end';
      readonly step: number;
      readonly isComplete: boolean;
      readonly digest: string;
      readonly checkedStates: number;
      readonly mismatchedElements: number;
      /** Time in steps alone, milliseconds. */
      readonly milliseconds: number;
    }
  | { readonly kind: 'failed'; readonly step: number; readonly failure: Failure };

// What page and worker say to each other. The page asks and is answered by number; what happens
// while a run learns comes as events. The page holds no tensor and computes nothing.

import type { RuleName, Settings, TextName } from './settings.ts';

/** A text as the page needs it. */
export interface TextInfo {
  readonly name: TextName;
  readonly bytes: number;
  /** Tokens and distinct tokens. */
  readonly tokens: number;
  readonly vocabulary: number;
  readonly kind: 'characters' | 'bytes';
  readonly sha256: string;
  readonly start: string;
}

/** The memory of a run, in bytes. */
export interface Memory {
  readonly bytes: Readonly<Record<string, number>>;
  readonly total: number;
  readonly stored: number;
  readonly parameters: number;
}

/** How a run stands. */
export interface RunInfo {
  readonly settings: Settings;
  readonly step: number;
  readonly parameters: number;
  readonly memory: number;
  readonly threads: number;
  readonly threadsNote: string;
  readonly text: TextInfo;
}

/** A bit that is to be turned over, on the way back before block `block` is undone. */
export interface Flip {
  readonly what: 'state' | 'side';
  readonly block: number;
  /** Of the state, or of the block's side bits. */
  readonly element: number;
  /** Of the state's element: 0..31. */
  readonly bit: number;
}

/** What the way forward and back of one sample of a batch was. */
export interface Journey {
  readonly rows: number;
  readonly columns: number;
  /** int32 [rows, columns], fraction bits `fraction`: before block 0, 1, ..., after the last. */
  readonly forward: readonly Int32Array[];
  /** The same on the way back; undefined where it did not come. */
  readonly back: readonly (Int32Array | undefined)[];
  /** Elements that differ, of each of them. */
  readonly differing: readonly (number | undefined)[];
  /** Side bits of each block, as they were kept: bytes. */
  readonly side: readonly Uint8Array[];
  readonly fraction: number;
  readonly sample: number;
  readonly step: number;
  readonly text: string;
  /** The library's own word, if it noticed a difference. */
  readonly error: Failure | undefined;
  readonly checkedStates: number;
}

/** What a rule keeps for the way back of one batch, bytes. */
export interface RuleMemory {
  readonly rule: RuleName;
  readonly states: number;
  readonly sideBits: number;
}

/** An error of the library, as data. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Questions of the page, and the worker's answers. */
export interface Asked {
  text: { given: { name: TextName; bytes?: Uint8Array }; answer: TextInfo };
  plan: { given: { settings: Settings }; answer: Memory };
  compareRules: { given: { settings: Settings }; answer: RuleMemory[] };
  start: { given: { settings: Settings; threads: number }; answer: RunInfo };
  load: { given: { file: Uint8Array; threads: number }; answer: RunInfo };
  pause: { given: object; answer: { step: number } };
  resume: { given: object; answer: { step: number } };
  stop: { given: object; answer: { step: number } };
  save: { given: object; answer: { file: Uint8Array; step: number } };
  textFile: { given: object; answer: { bytes: Uint8Array } };
  write: { given: { prompt: string; tokens: number }; answer: { text: string; step: number } };
  journey: {
    given: { settings: Settings; sample: number; flip?: Flip };
    answer: Journey;
  };
}
export type Question = keyof Asked;
export type Given<Q extends Question> = Asked[Q]['given'];
export type Answer<Q extends Question> = Asked[Q]['answer'];

/** What happens in the worker. */
export type Event =
  | {
      readonly kind: 'steps';
      /** The last step, and the losses of all since the last event. */
      readonly step: number;
      readonly losses: readonly number[];
      /** Time in steps alone, milliseconds, of these losses. */
      readonly milliseconds: number;
      readonly threads: number;
    }
  | { readonly kind: 'validation'; readonly step: number; readonly loss: number }
  | {
      readonly kind: 'written';
      readonly step: number;
      readonly prompt: string;
      readonly text: string;
    }
  | {
      readonly kind: 'end';
      readonly step: number;
      readonly isComplete: boolean;
      readonly digest: string;
      readonly checkedStates: number;
      readonly mismatchedElements: number;
    }
  | { readonly kind: 'failed'; readonly step: number; readonly failure: Failure };

export interface Request<Q extends Question = Question> {
  readonly id: number;
  readonly question: Q;
  readonly given: Given<Q>;
}
export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly event: Event };

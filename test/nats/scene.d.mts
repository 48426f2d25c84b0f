import type { ChildProcess } from 'node:child_process';

import type { BadProxy } from './proxy.mjs';

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  error: string;
}
export interface Started {
  child: ChildProcess;
  said: { out: string; error: string };
  ended: Promise<Ended>;
}
export declare const CLI: string;
export declare const hasServer: boolean;
export declare const MODEL: string[];
export declare const events: (out: string) => { event: string; [name: string]: unknown }[];
export declare const digestOf: (out: string) => string;
export declare class Scene {
  readonly folder: string;
  readonly server: string;
  port: number;
  path(name: string): string;
  read(name: string): string;
  startProxy(random?: () => number): Promise<BadProxy>;
  configuration: object;
  reload(configuration: object): void;
  startServer(configuration?: object): Promise<void>;
  killServer(how?: { wipe?: boolean; away?: number }): Promise<void>;
  start(words: readonly string[], how?: { program?: string[]; env?: object }): Started;
  trainWords(directory: string, steps: number, more?: readonly string[]): string[];
  coordinator(
    directory: string,
    steps: number,
    more?: readonly string[],
    how?: { killAt?: readonly (string | number)[] },
  ): Started;
  worker(
    run: string,
    name: string,
    how?: { program?: string[]; server?: string; more?: readonly string[] },
  ): Started;
  liar(run: string, name: string): Started;
  alone(steps: number, more?: readonly string[]): Promise<string>;
  saved(directory: string): Promise<string>;
  runOf(directory: string): Promise<string>;
  close(): Promise<void>;
}

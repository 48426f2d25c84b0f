// What carries messages between a coordinator and its workers. It is trusted with nothing: whatever
// it loses is asked for or computed again, whatever it changes is told by a digest, and what it
// delivers twice or late is recognised.

export type Bytes = Uint8Array<ArrayBuffer>;

/** A worker's side. What fails may be tried again: an answer that is lost changes nothing. */
export interface WorkerCourier {
  /** Asks the coordinator for work; it may take some seconds to answer. */
  ask(message: Bytes): Promise<Bytes>;
  /** Hands in what was computed; resolves to the coordinator's answer. */
  report(message: Bytes): Promise<Bytes>;
  /** Bytes of that SHA-256 that the coordinator has put; undefined if they are gone. */
  fetch(sha256: string): Promise<Bytes | undefined>;
}

/** What a coordinator does with what its workers send. `worker`: the name under which the courier
 *  knows the sender, which no other one can take. */
export interface Desk {
  /** Answers a question for work, at once or in some seconds. */
  ask(worker: string, message: Bytes): Promise<Bytes>;
  /** Takes a result; resolves once it is read. */
  report(worker: string, message: Bytes): Promise<Bytes>;
}

/** The coordinator's side. */
export interface CoordinatorCourier {
  /** From now on `desk` answers the workers. */
  serve(desk: Desk): Promise<void>;
  /** Keeps bytes under their SHA-256 for whoever fetches them. */
  put(sha256: string, bytes: Bytes): Promise<void>;
  /** Those are not needed any more. */
  drop(sha256: string): Promise<void>;
}

/** Time, so that tests can make their own. Milliseconds. */
export interface Clock {
  /** Since any moment. */
  now(): number;
  /** Resolves when so many are over. */
  sleep(milliseconds: number): Promise<void>;
}

/** The runtime's. */
export const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

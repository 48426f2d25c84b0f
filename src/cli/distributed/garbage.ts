// How a process with a connection collects its garbage. Parts and weights pass through buffers of
// the client and of sockets, 35 MB a step of 1.2 million weights, and that much beside the heap
// makes V8 begin a collection two times a step. The heap itself has 11 MB: marked bit by bit
// between other work, on other threads too, it took 20 ms of two processors each time, in one go 5.

import { setFlagsFromString } from 'node:v8';

/** Lets V8 mark the heap in one go from now on. Other engines do as they do. */
export function collectInOneGo(): void {
  try {
    setFlagsFromString('--no-incremental-marking');
  } catch {
    // Bun, Deno
  }
}

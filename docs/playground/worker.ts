// The worker: everything that computes. The page only shows.

import type { Reply, Request } from './protocol.ts';
import { Desk } from './worker/desk.ts';
import { failureOf } from './worker/failure.ts';

const send = (reply: Reply): void => postMessage(reply);
const desk = new Desk((event) => send({ event }));

addEventListener('message', async ({ data: { id, question, given } }: MessageEvent<Request>) => {
  try {
    const handler = desk.handlers[question] as (given: unknown) => unknown;
    send({ id, answer: await handler(given) });
  } catch (error) {
    send({ id, failure: failureOf(error) });
  }
});

// The worker: the connection and everything that computes. The page only shows.

import type { Posted } from '../../playground/page/session.ts';
import type { Asked, Event, Question } from './protocol.ts';
import { Desk } from './worker/desk.ts';
import { refusalOf } from './worker/refusal.ts';

type Request = { [Q in Question]: { id: number; question: Q; given: Asked[Q]['given'] } }[Question];

const send = (reply: Posted<Event>): void => postMessage(reply);
const desk = new Desk((event) => send({ event }));

addEventListener('message', async ({ data: { id, question, given } }: MessageEvent<Request>) => {
  try {
    const handler = desk.handlers[question] as (given: unknown) => unknown;
    send({ id, answer: await handler(given) });
  } catch (error) {
    send({ id, failure: refusalOf(error) });
  }
});

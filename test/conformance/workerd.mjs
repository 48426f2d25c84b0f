// workerd with worker-main.js on a free port: one request, one answer, and it is ended.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../helpers/free-port.mjs';
import { complaint, start, within } from './execute.mjs';

const CONFIG = join(import.meta.dirname, 'workerd.capnp');

/** The answer to a request, tried again until the server is up. */
async function fetchWhenUp(url, options, isOver) {
  for (;;) {
    try {
      return await (await fetch(url, options)).json();
    } catch (error) {
      if (isOver() || error.cause?.code !== 'ECONNREFUSED') throw error;
      await pause(50);
    }
  }
}

/** `command`: workerd, and what goes before it. `request`: nothing for GET /verify, or what POST
 *  /handover takes. */
export async function askWorkerd(command, request, seconds = 120) {
  const port = await freePort();
  const server = start([...command, 'serve', CONFIG, '--socket-addr', `http=127.0.0.1:${port}`]);
  let isOver = false;
  const early = server.ended.then((result) => {
    isOver = true;
    throw new Error(`workerd ended: ${complaint(result)}`);
  });
  early.catch(() => {});
  const options = request === undefined ? {} : { method: 'POST', body: JSON.stringify(request) };
  try {
    return await within(
      seconds,
      Promise.race([fetchWhenUp(`http://127.0.0.1:${port}/`, options, () => isOver), early]),
    );
  } finally {
    isOver = true;
    server.stop();
    await server.ended;
  }
}

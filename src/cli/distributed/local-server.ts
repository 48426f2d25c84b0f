// --workers N alone: a server of the run's own on this machine, nats-server from the path, with a
// user for the coordinator and one for each worker. It ends with the process that has started it,
// however that ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetrogradError, UsageError, workerPermissions } from '../library.ts';

/** Runs a program until the standard input ends, as whoever holds its other end may be killed; then
 *  removes a folder. */
const GUARD = `const { spawn } = require('node:child_process');
const { rmSync } = require('node:fs');
const [, folder, program, ...words] = process.argv;
const child = spawn(program, words, { stdio: 'ignore' });
const end = (code) => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
};
child.on('error', () => end(127));
child.on('exit', (code) => end(code ?? 1));
process.stdin.on('end', () => child.kill()).resume();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => undefined);`;

/** Milliseconds that the server may take to begin. */
const PATIENCE = 10_000;

export interface LocalServer {
  /** The address with a user and a password, of the coordinator or of a worker. */
  address(user: string): string;
  stop(): void;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The server's configuration: JSON is one of its forms. */
function configuration(
  run: string,
  passwords: ReadonlyMap<string, string>,
  place: { port: number; store: string },
): string {
  const users = [...passwords].map(([user, password]) => {
    if (user === COORDINATOR) return { user, password };
    const { publish, subscribe } = workerPermissions(run, user);
    const permissions = { publish: { allow: publish }, subscribe: { allow: subscribe } };
    return { user, password, permissions };
  });
  return JSON.stringify({
    listen: `127.0.0.1:${place.port}`,
    jetstream: { store_dir: place.store },
    authorization: { users },
  });
}

export const COORDINATOR = 'coordinator';

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => resolve(true)); // its greeting
    socket.once('error', () => resolve(false));
    setTimeout(() => resolve(false), 1000).unref();
  }).finally(() => undefined) as Promise<boolean>;
}

async function waitFor(port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + PATIENCE;
  while (performance.now() < until) {
    if (child.exitCode === 127)
      throw new UsageError(
        'nats-server is not on the path, expected it for --workers',
        'install it (Debian: apt-get install nats-server), or give --server',
      );
    if (child.exitCode !== null) break;
    if (await answers(port)) return;
    await sleep(50);
  }
  throw new RetrogradError('nats-server did not begin', 'try: nats-server -js');
}

/** Starts a server for a run and its workers. Throws UsageError if there is no nats-server. */
export async function startServer(run: string, workers: readonly string[]): Promise<LocalServer> {
  const home = fs.mkdtempSync(join(tmpdir(), 'retrograd-server-'));
  const port = await freePort();
  const password = (): string => randomBytes(18).toString('base64url');
  const passwords = new Map([COORDINATOR, ...workers].map((user) => [user, password()]));
  const file = join(home, 'server.conf');
  const text = configuration(run, passwords, { port, store: join(home, 'store') });
  fs.writeFileSync(file, text, { mode: 0o600 });
  const words = ['-e', GUARD, home, 'nats-server', '-c', file];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'ignore', 'ignore'] });
  const stop = (): void => void child.stdin?.end();
  try {
    await waitFor(port, child);
  } catch (error) {
    stop();
    throw error;
  }
  const address = (user: string): string =>
    `nats://${user}:${passwords.get(user)}@127.0.0.1:${port}`;
  return { address, stop };
}

// Who may write in a directory: one process, gone with it, whatever its number is elsewhere.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findHolder, Lock, takeLock } from '../../src/cli/lock.ts';
import { thisProcess } from '../../src/cli/processes.ts';

let folder: string;
const locks: Lock[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-lock-'));
});
afterEach(() => {
  for (const lock of locks.splice(0)) lock.release();
  rmSync(folder, { recursive: true, force: true });
});

const take = (): ReturnType<typeof takeLock> => {
  const lock = takeLock(folder, 'run');
  if (lock instanceof Lock) locks.push(lock);
  return lock;
};

const path = (): string => join(folder, '.run.00000000-0000-0000-0000-000000000000.lock');
/** Leaves a claim of another process, which gave its last sign of life so many seconds ago. */
function leave(change: object, secondsAgo = 0, mark = '!'): void {
  const claim = { ...thisProcess(), since: '2026-01-01T00:00:00.000Z', ...change };
  writeFileSync(path(), `${mark}${JSON.stringify(claim)}`);
  const seen = Date.now() / 1000 - secondsAgo;
  utimesSync(path(), seen, seen);
}
const isLinux = process.platform === 'linux';

describe('takeLock', () => {
  test('gives a directory to one, and tells the next who has it and since when', () => {
    const before = Date.now();
    const lock = take();
    expect(lock).toBeInstanceOf(Lock);
    const holder = take() as { pid: number; host: string; since: string };
    expect(holder).toMatchObject({ pid: process.pid, host: hostname() });
    expect(Date.parse(holder.since)).toBeGreaterThanOrEqual(before);
    expect(takeLock(join(folder), 'other')).toBeInstanceOf(Lock);
    (lock as Lock).release();
    expect((lock as Lock).isOurs).toBe(false);
    expect(take()).toBeInstanceOf(Lock);
  });

  test.runIf(isLinux)('a process that is gone, or is another of its number, holds nothing', () => {
    for (const change of [{ pid: 2 ** 22 + 1 }, { start: '1' }]) {
      leave(change);
      const lock = take();
      expect(lock, JSON.stringify(change)).toBeInstanceOf(Lock);
      expect(readdirSync(folder)).toHaveLength(1);
      (lock as Lock).release();
    }
  });

  test('a process elsewhere holds it while it gives signs of life, also with our number', () => {
    leave({ place: 'elsewhere', host: 'far' });
    expect(take()).toMatchObject({ pid: process.pid, host: 'far' });
    expect(findHolder(folder, 'run')).toMatchObject({ host: 'far' });
    leave({ place: 'elsewhere', host: 'far' }, 50);
    expect(take()).toMatchObject({ host: 'far' });
    leave({ place: 'elsewhere', host: 'far' }, 70);
    expect(take()).toBeInstanceOf(Lock);
  });

  test('what a claim says cannot reach the terminal as anything but words', () => {
    leave({ place: 'elsewhere', host: 'a\u001b[2Jb\nc', since: ['\u009b'] });
    expect(take()).toMatchObject({ host: 'a??2Jb?c', since: '?' });
    for (const text of ['', '!', '!nonsense', '!null', '!{"host":{"toString":1}}']) {
      writeFileSync(path(), text);
      expect(take(), text).not.toBeInstanceOf(Lock); // somebody may be about to write it
    }
    const old = Date.now() / 1000 - 70;
    utimesSync(path(), old, old);
    expect(take()).toBeInstanceOf(Lock);
  });

  test.skipIf(process.platform === 'win32')('a link is no claim and is not followed', () => {
    writeFileSync(join(folder, 'victim'), 'precious');
    symlinkSync('victim', path());
    expect(take()).toBeInstanceOf(Lock);
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious');
  });

  test('another process that only asks makes nobody wait for ever', () => {
    leave({ place: 'elsewhere', host: 'far' }, 0, '?');
    expect(take()).toMatchObject({ host: 'far' });
  }, 60_000);
});

/** A process that takes the directory, says so, and works without ever looking at its events. */
const WORKER = `
const { takeLock, Lock } = await import(process.argv[1]);
const lock = takeLock(process.argv[2], 'run');
process.stdout.write(lock instanceof Lock ? 'mine\\n' : 'held by ' + lock.pid + '\\n');
const nothing = new Int32Array(new SharedArrayBuffer(4));
while (lock instanceof Lock) Atomics.wait(nothing, 0, 0, 100);
`;

describe('between processes', () => {
  let children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
  });
  const module = join(import.meta.dirname, '../../build/lock-test.mjs');
  const start = async (): Promise<string> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WORKER, module, folder]);
    children.push(child);
    return new Promise((resolve, reject) => {
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
      child.stderr.once('data', (data: Buffer) => reject(new Error(data.toString())));
    });
  };

  test('of several at once exactly one gets it, and after a kill the next one does', async () => {
    const { build } = await import('esbuild');
    await build({
      entryPoints: [join(import.meta.dirname, '../../src/cli/lock.ts')],
      outfile: module,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
      external: ['*.wasm'],
    });
    const said = await Promise.all([start(), start(), start(), start()]);
    expect(said.filter((word) => word === 'mine')).toHaveLength(1);
    const winner = children[said.indexOf('mine')];
    for (const word of said) expect(['mine', `held by ${winner.pid}`]).toContain(word);
    winner.kill('SIGKILL');
    await new Promise((resolve) => winner.once('close', resolve));
    expect(await start()).toBe('mine');
  }, 120_000);
});

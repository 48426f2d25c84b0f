// Files: whole or not there, nobody's links followed, owner and mode kept, and what a system says
// that cannot do everything.

import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  prepareDirectory,
  removeLeftovers,
  writeAgain,
  writeAtomically,
} from '../../src/cli/atomic.ts';
import { RetrogradError, UsageError } from '../../src/core/errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-atomic-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const NAME = 'checkpoint.safetensors';
const isPosix = process.platform !== 'win32';
const isRoot = process.getuid?.() === 0;
const path = (...names: string[]): string => join(folder, ...names);
const write = (text: string): void => writeAtomically(folder, NAME, Buffer.from(text));
const failing = (code: string) => (): never => {
  throw Object.assign(new Error(`${code}: it fails`), { code });
};
const messageOf = (work: () => void): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RetrogradError);
    return (error as Error).message;
  }
  return 'written';
};

describe('writeAtomically', () => {
  test('replaces the file and leaves nothing else', () => {
    for (const content of ['old', 'new']) {
      write(content);
      expect(readFileSync(path(NAME), 'utf8')).toBe(content);
      expect(readdirSync(folder)).toEqual([NAME]);
    }
  });

  test('says why it failed, and only of a file that is there that it is untouched', () => {
    vi.spyOn(fs, 'writeFileSync').mockImplementation(failing('ENOSPC'));
    const said = `'${path(NAME)}' was not written: '${folder}' has no space left on its device`;
    expect(messageOf(() => write('x'))).toBe(`${said}. HINT: free some space`);
    vi.restoreAllMocks();
    write('old');
    vi.spyOn(fs, 'writeFileSync').mockImplementation(failing('ENOSPC'));
    const hint = 'free some space; the file that was there before is untouched';
    expect(messageOf(() => write('new'))).toBe(`${said}. HINT: ${hint}`);
    expect([readFileSync(path(NAME), 'utf8'), readdirSync(folder)]).toEqual(['old', [NAME]]);
  });

  const CALLS = ['openSync', 'writeFileSync', 'fsyncSync', 'closeSync', 'renameSync'] as const;
  test.each(CALLS)('%s that fails leaves the old file alone', (name) => {
    write('old');
    const spy = vi.spyOn(fs, name).mockImplementation(failing('EIO'));
    expect(messageOf(() => write('new'))).toMatch(/was not written: .* is on a device that fails/);
    spy.mockRestore();
    expect([readFileSync(path(NAME), 'utf8'), readdirSync(folder)]).toEqual(['old', [NAME]]);
  });

  const CODES = ['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF', 'ENOSYS'];
  test.each(CODES)('a file system whose fsync says %s is no failure', (code) => {
    vi.spyOn(fs, 'fsyncSync').mockImplementation(failing(code));
    write('new');
    expect(readFileSync(path(NAME), 'utf8')).toBe('new');
  });

  test('a directory that cannot be opened or synchronised is no failure: the file is there', () => {
    const open = fs.openSync;
    vi.spyOn(fs, 'openSync').mockImplementation((at, flags, mode) =>
      at === folder ? failing('EACCES')() : open(at, flags, mode),
    );
    write('new');
    vi.restoreAllMocks();
    const isDirectory = (handle: number): boolean => fs.fstatSync(handle).isDirectory();
    const sync = vi
      .spyOn(fs, 'fsyncSync')
      .mockImplementation((handle) => (isDirectory(handle) ? failing('EIO')() : undefined));
    write('newer');
    expect(sync).toHaveBeenCalledTimes(isPosix ? 2 : 1);
    expect([readFileSync(path(NAME), 'utf8'), readdirSync(folder)]).toEqual(['newer', [NAME]]);
  });

  test.skipIf(!isPosix)('keeps the mode of the file that it replaces', () => {
    for (const mode of [0o600, 0o640, 0o444, 0o666]) {
      write('old');
      chmodSync(path(NAME), mode);
      write('new');
      expect((statSync(path(NAME)).mode & 0o777).toString(8)).toBe(mode.toString(8));
    }
  });

  test.skipIf(!isPosix)('a secret file is secret at every moment', () => {
    write('old');
    chmodSync(path(NAME), 0o600);
    let seen = 0;
    vi.spyOn(fs, 'fsyncSync').mockImplementation((handle) => {
      const stat = fs.fstatSync(handle);
      if (stat.isFile()) seen = stat.mode & 0o777;
    });
    write('new');
    expect(seen).toBe(0o600);
  });

  test.skipIf(!isRoot)('keeps owner and group; a group that it cannot keep gets no rights', () => {
    write('old');
    fs.chownSync(path(NAME), 12345, 23456);
    chmodSync(path(NAME), 0o660);
    write('new');
    expect(statSync(path(NAME))).toMatchObject({ uid: 12345, gid: 23456 });
    vi.spyOn(fs, 'fchownSync').mockImplementation(failing('EPERM'));
    write('newer');
    const { gid, mode } = statSync(path(NAME));
    expect([gid, (mode & 0o777).toString(8)]).toEqual([process.getgid?.(), '600']);
  });

  test.skipIf(!isPosix)('a link of its name is replaced, and what it points to stays', () => {
    writeFileSync(path('victim'), 'precious');
    symlinkSync('victim', path(NAME));
    write('new');
    expect(readFileSync(path('victim'), 'utf8')).toBe('precious');
    expect(lstatSync(path(NAME)).isFile()).toBe(true);
  });
});

test('writeAgain makes a directory that was removed', () => {
  rmSync(folder, { recursive: true });
  writeAgain(folder, NAME, Buffer.from('x'));
  expect(readFileSync(path(NAME), 'utf8')).toBe('x');
});

test('removeLeftovers takes its temporary files, and no links, directories or strangers', () => {
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';
  const mine = [`.${NAME}.${uuid}.tmp`, `.${NAME}.4242.tmp`];
  const names = [`.other.${uuid}`, `${NAME}.${uuid}`, `.${NAME}`, `.${NAME}.x`];
  const others = ['notes.tmp', ...names.map((name) => `${name}.tmp`)];
  for (const name of [...mine, ...others]) writeFileSync(path(name), '');
  mkdirSync(path(`.${NAME}.1.tmp`));
  if (isPosix) symlinkSync('notes.tmp', path(`.${NAME}.2.tmp`));
  const before = readdirSync(folder);
  removeLeftovers(folder, (file) => file === NAME);
  expect(readdirSync(folder)).toEqual(before.filter((name) => !mine.includes(name)));
  removeLeftovers(path('nowhere'), () => true);
});

describe('prepareDirectory', () => {
  test('makes the directory and those above it, and leaves it empty', () => {
    const deep = path('a/b/c');
    prepareDirectory(deep);
    expect(readdirSync(deep)).toEqual([]);
    prepareDirectory(deep);
  });

  test('returns, with a UsageError, where the system makes no directories', () => {
    writeFileSync(path('file'), '');
    const bad = ['/proc/retrograd/x', path('file'), path('file/x'), path('x\0y')];
    for (const one of bad) expect(() => prepareDirectory(one), one).toThrow(UsageError);
    expect(existsSync(path('file/x'))).toBe(false);
  });
});

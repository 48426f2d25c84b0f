import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareDirectory, writeAtomically } from '../../src/cli/atomic.ts';
import { CHECKPOINT_FILE, readTextFile } from '../../src/cli/files.ts';
import { RetrogradError, UsageError } from '../../src/core/errors.ts';

let folder: string;
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'retrograd-files-')); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('writeAtomically', () => {
  test('replaces the file and leaves nothing else', () => {
    for (const content of ['old', 'new']) {
      writeAtomically(folder, CHECKPOINT_FILE, Buffer.from(content));
      expect(readFileSync(join(folder, CHECKPOINT_FILE), 'utf8')).toBe(content);
      expect(readdirSync(folder)).toEqual([CHECKPOINT_FILE]);
    }
  });

  test('a write that fails is a RetrogradError with the reason, and leaves what was there', () => {
    const write = (directory: string) => () => writeAtomically(directory, CHECKPOINT_FILE, Buffer.from('x'));
    expect(write(join(folder, 'missing'))).toThrow(RetrogradError);
    expect(write(join(folder, 'missing'))).toThrow(/was not written: '.*missing' does not exist\. HINT: the directory was removed or renamed$/);
    mkdirSync(join(folder, 'blocked', CHECKPOINT_FILE), { recursive: true }); // a directory where the file should go: the rename fails
    expect(write(join(folder, 'blocked'))).toThrow(/was not written/);
    expect(readdirSync(join(folder, 'blocked'))).toEqual([CHECKPOINT_FILE]);
  });
});

describe('prepareDirectory', () => {
  test('makes the directory and those above it, and leaves it empty', () => {
    const deep = join(folder, 'a/b/c');
    prepareDirectory(deep);
    expect(readdirSync(deep)).toEqual([]);
    prepareDirectory(deep);
  });

  test('returns, with a UsageError, where the system makes no directories (Node recursive mkdir would not return)', () => {
    writeFileSync(join(folder, 'file'), '');
    for (const bad of ['/proc/retrograd/x', join(folder, 'file'), join(folder, 'file/x'), join(folder, 'x\0y')]) expect(() => prepareDirectory(bad), bad).toThrow(UsageError);
  });
});

describe('readTextFile', () => {
  test('a path that the system refuses is a UsageError of one line', () => {
    for (const bad of ['', folder, join(folder, 'none'), 'x\0y']) {
      expect(() => readTextFile(bad)).toThrow(UsageError);
      expect(() => readTextFile(bad)).toThrow(/^text '[^\n]*, expected a readable file\. HINT: [^\n]*$/);
    }
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTextFile } from '../../src/cli/files.ts';
import { UsageError } from '../../src/core/errors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-files-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('readTextFile', () => {
  test('a path that the system refuses is a UsageError of one line', () => {
    for (const bad of ['', folder, join(folder, 'none'), 'x\0y']) {
      expect(() => readTextFile(bad)).toThrow(UsageError);
      expect(() => readTextFile(bad)).toThrow(
        /^text '[^\n]*, expected a readable file\. HINT: [^\n]*$/,
      );
    }
  });
});

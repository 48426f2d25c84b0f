// A build's files are made again when what they are made of changes, and only then.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeOf } from '../../.ci/made.mjs';

test('a file is made once, and again for other sources or if it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-made-'));
  const [file, source] = ['made', 'source'].map((name) => join(folder, name));
  let made = 0;
  const make = (): void => writeFileSync(file, String(++made));
  const after = async (change: () => void): Promise<string> => {
    change();
    await makeOf(file, [source], make);
    return readFileSync(file, 'utf8');
  };
  expect(await after(() => writeFileSync(source, 'a'))).toBe('1');
  expect(await after(() => writeFileSync(source, 'a'))).toBe('1');
  expect(await after(() => writeFileSync(source, 'b'))).toBe('2');
  expect(await after(() => rmSync(file))).toBe('3');
  const fails = makeOf(file, [source, join(folder, 'made.made-of')], () => {
    throw new Error('does not compile');
  });
  await expect(fails).rejects.toThrow('does not compile');
  expect(await after(() => undefined)).toBe('3');
  rmSync(folder, { recursive: true });
});

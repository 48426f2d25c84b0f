// docs/api.md is what the docstrings say now, and names everything that is exported.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicNames } from '../helpers/api-docs.ts';

const root = join(import.meta.dirname, '../..');

test('docs/api.md is up to date', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/api.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  expect(stderr.slice(-1000) + stdout).toBe('docs/api.md is up to date\n');
  expect(status).toBe(0);
});

test('docs/api.md has a heading for every public name, and for no other', () => {
  const headings = [...readFileSync(join(root, 'docs/api.md'), 'utf8').matchAll(/^### ([\w\\]+)/gm)].map(([, name]) => name.replaceAll('\\', ''));
  expect(headings.sort()).toEqual(publicNames().filter(({ isInternal }) => !isInternal).map(({ name }) => name).sort());
});

// A build leaves nothing in dist that it did not make.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeLeftovers } from '../../.ci/leftovers.mjs';

test('files and folders of earlier builds are removed, what this one made stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-dist-'));
  try {
    for (const name of ['index.js', 'index.js.map', 'all.js', 'all.js.map'])
      writeFileSync(join(folder, name), '');
    for (const name of ['types', 'old']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'index.d.ts'), '');
    }
    const kept = new Set(['types', 'index.js', 'index.js.map', 'worker.js']);
    expect(removeLeftovers(folder, kept).sort()).toEqual(['all.js', 'all.js.map', 'old']);
    expect(readdirSync(folder).sort()).toEqual(['index.js', 'index.js.map', 'types']);
    expect(readdirSync(join(folder, 'types'))).toEqual(['index.d.ts']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

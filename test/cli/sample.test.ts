// A text is written while it comes, and is the text of all tokens at once, whatever the bytes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.ts';
import { events, retrograd, TINY, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(
    join(cwd, 'bytes.txt'),
    Buffer.concat([
      Buffer.from('ä€🙂\r\n\r\u001b[1m'.repeat(60)),
      Buffer.from([0xff, 0xe2, 0x82, 0xef, 0xbb, 0xbf]),
    ]),
  );
  events([...TRAIN, '--steps', '3', '--out', 'characters'], { cwd });
  events(
    [
      'train',
      'gpt',
      '--text',
      'bytes.txt',
      '--vocabulary',
      'bytes',
      ...TINY,
      '--steps',
      '30',
      '--lr',
      '0.01',
      '--out',
      'bytes',
    ],
    { cwd },
  );
});
afterAll(() => remove());

test.each(['characters', 'bytes'])('of a model of %s', (run) => {
  for (const seed of ['1', '2', '3']) {
    const words = ['sample', run, '--length', '200', '--seed', seed, '--temperature', '1.5'];
    const [{ text }] = events(words, { cwd });
    expect(retrograd(words, { cwd }).stdout).toBe(`${printable(text)}\n`);
  }
});

// What zstd makes of messages one by one, with a dictionary of 110 kB trained on the same samples:
// level 19, without the checksum and the dictionary's number, which ours have no counterpart of.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DICTIONARY = 110 * 1024;
const MAGIC = 4;

function writeAll(folder, messages) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  messages.forEach((bytes, i) => {
    writeFileSync(join(folder, String(i)), bytes);
  });
}

export function measureZstd({ samples, test, work }) {
  const folder = (name) => join(work, name);
  writeAll(folder('samples'), samples);
  writeAll(folder('plain'), test);
  rmSync(folder('coded'), { recursive: true, force: true });
  mkdirSync(folder('coded'));
  const dictionary = folder('dictionary');
  const zstd = (...words) => execFileSync('zstd', [...words, '-q'], { stdio: 'pipe' });
  const version = execFileSync('zstd', ['--version'], { encoding: 'utf8' });
  zstd('--train', '-r', folder('samples'), `--maxdict=${DICTIONARY}`, '-o', dictionary, '-f');
  rmSync(folder('samples'), { recursive: true });
  const frame = ['--no-check', '--no-dictID'];
  const files = ['-r', folder('plain'), '--output-dir-flat', folder('coded')];
  zstd('-19', ...frame, '-D', dictionary, ...files);
  const names = readdirSync(folder('coded'));
  if (names.length !== test.length) throw new Error(`zstd wrote ${names.length} files`);
  const bytes = names.reduce((sum, name) => sum + statSync(join(folder('coded'), name)).size, 0);
  return {
    version: /v([\d.]+)/.exec(version)?.[1],
    dictionary: statSync(dictionary).size,
    bytes,
    withoutMagic: bytes - MAGIC * test.length,
  };
}

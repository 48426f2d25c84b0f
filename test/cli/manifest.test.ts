// What a server says of a run is believed as far as it names files inside a directory, and is of
// the run that was asked for.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readManifest, runName } from '../../src/cli/distributed/manifest.ts';
import { RetrogradError } from '../../src/index.ts';

const header = '{"receipt":1}\n';
const run = createHash('sha256').update(header).digest('hex').slice(0, 16);
const FILE = { option: 'data', path: 'a/b.png', sha256: '0'.repeat(64), bytes: 3 };
const manifest = (more: object = {}): Uint8Array =>
  Buffer.from(
    JSON.stringify({ manifest: 1, run, kind: 'vit', header, values: {}, files: [FILE], ...more }),
  );
const withFile = (more: object): Uint8Array => manifest({ files: [{ ...FILE, ...more }] });

describe('a manifest', () => {
  test('is read as it was written', () => {
    expect(runName(header)).toBe(run);
    expect(readManifest(manifest(), run).files).toEqual([FILE]);
    expect(readManifest(withFile({ path: '' }), run).files[0].path).toBe('');
  });

  test.each([
    ...['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', 'a/.', '..\\x', 'C:\\x', 'a\0b'],
    ...['x'.repeat(256), 7, null],
  ])('names no file %j', (path) => {
    expect(() => readManifest(withFile({ path }), run)).toThrow(RetrogradError);
  });

  test.each([
    ['no JSON', Buffer.from('{')],
    ['another format', manifest({ manifest: 2 })],
    ['another run', manifest({ run: '0'.repeat(16) })],
    ['another header', manifest({ header: '{"receipt":2}\n' })],
    ['no files', manifest({ files: {} })],
    ['an option of another kind', withFile({ option: '--out' })],
    ['no digest', withFile({ sha256: 'x' })],
    ['more than a gibibyte', withFile({ bytes: 2 ** 31 })],
    ['bytes below 0', withFile({ bytes: -1 })],
    ['values that are none', manifest({ values: 3 })],
  ])('is refused: %s', (_, bytes) => {
    expect(() => readManifest(bytes, run)).toThrow(RetrogradError);
  });
});

// `retrograd export`: the files are those of the functions, what is there is never overwritten, and
// wrong use is refused before anything is read or written.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportGguf, exportHf, exportOnnx } from '../../src/export/index.ts';
import { decodeCheckpoint } from '../../src/index.ts';
import { events, retrograd, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const file = (...names: string[]): string => join(cwd, ...names);
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  events([...TRAIN, '--steps', '3', '--out', 'run', '--export-float32'], { cwd });
  events([...TRAIN, '--steps', '2', '--reversible', 'leapfrog', '--out', 'leap'], { cwd });
  mkdirSync(file('full'));
  writeFileSync(file('full', 'mine'), '');
  mkdirSync(file('empty'));
});
afterAll(() => remove());

const checkpoint = () => decodeCheckpoint(readFileSync(file('run', 'checkpoint.safetensors')));
const listed = (folder: string): string[] =>
  readdirSync(file(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(file(folder).length + 1))
    .sort();

describe('retrograd export', () => {
  test.each([
    ['hf', 'empty', exportHf],
    ['onnx', 'new/onnx', exportOnnx],
  ] as const)('--to %s writes the directory of the function', async (to, out, make) => {
    const { code, stdout } = retrograd(['export', 'run', '--to', to, '--out', out], { cwd });
    expect(code).toBe(0);
    const files = make(await checkpoint(), { name: 'run' });
    expect(listed(out)).toEqual(Object.keys(files).sort());
    for (const [name, one] of Object.entries(files)) {
      expect(Buffer.compare(readFileSync(file(out, name)), one.bytes()), name).toBe(0);
      expect(stdout).toContain(name);
    }
    const [{ weightsSha256 }] = events(['inspect', 'run'], { cwd });
    expect(stdout).toContain(weightsSha256);
    expect(readFileSync(file(out, 'README.md'), 'utf8')).toContain(weightsSha256);
  });

  test('--to gguf writes a file, with a name and an end', async () => {
    const words = ['export', 'run', '--to', 'gguf', '--out', 'a.gguf', '--name', 'x', '--end', '1'];
    const [event] = events(words, { cwd });
    const own = exportGguf(await checkpoint(), { name: 'x', end: 1 });
    expect(event).toMatchObject({
      event: 'exported',
      to: 'gguf',
      out: 'a.gguf',
      files: [{ name: 'a.gguf', bytes: own.size }],
    });
    expect(Buffer.compare(readFileSync(file('a.gguf')), own.bytes())).toBe(0);
  });

  test('--to safetensors writes what --export-float32 writes, of any rule', () => {
    const words = (run: string) => ['export', run, '--to', 'safetensors', '--out', `${run}.st`];
    for (const run of ['run', 'leap']) expect(retrograd(words(run), { cwd }).code).toBe(0);
    const float32 = readFileSync(file('run', 'weights.f32.safetensors'));
    expect(Buffer.compare(readFileSync(file('run.st')), float32)).toBe(0);
  });

  test.each([
    [['run', '--out', 'x'], /^retrograd: --to is missing, expected one of hf, gguf, onnx, safet/],
    [['run', '--to', 'pt', '--out', 'x'], /--to is 'pt', expected hf or gguf or onnx or safe/],
    [['run', '--to', 'hf'], /--out is missing, expected the directory to write\. HINT: for inst/],
    [['run', '--to', 'gguf'], /--out is missing, expected the file to write.*--out model\.gguf/],
    [['run', '--to', 'hf', '--out', 'full'], /--out 'full' exists, expected a new or empty dir/],
    [['run', '--to', 'gguf', '--out', 'full'], /--out 'full' exists, expected a new file\. HINT/],
    [['run', '--to', 'onnx', '--out', 'full/mine'], /exists, expected a new or empty directory/],
    [['run', '--to', 'gguf', '--out', 'full/mine/x'], /--out 'full\/mine\/x' is not a dir/],
    [['run', '--to', 'hf', '--out', 'x', '--end', '1'], /--end is given with --to hf, which does/],
    [['run', '--to', 'gguf', '--out', 'x', '--no-cache'], /--no-cache is given with --to gguf/],
    [['run', '--to', 'gguf', '--out', 'x', '--end', '999'], /end is 999, expected a whole number/],
    [
      ['leap', '--to', 'hf', '--out', 'x'],
      /update rule "leapfrog".*HINT: exportSafetensors \(--to/,
    ],
    [['nothing', '--to', 'hf', '--out', 'x'], /'nothing\/checkpoint\.safetensors' does not exist/],
  ] as const)('refuses %j', (words, message) => {
    const { code, stdout, stderr } = retrograd(['export', ...words], { cwd });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([2, '']);
    expect(existsSync(file('x'))).toBe(false);
    expect(readdirSync(file('full'))).toEqual(['mine']);
  });
});

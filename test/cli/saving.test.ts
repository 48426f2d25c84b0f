// Saves that fail, directories that go away or change hands while a run is in them, and what is
// left.

import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import { ended, events, type Outcome, retrograd, start, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
let digest: string;
const STEPS = ['--steps', '12'];
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  mkdirSync(join(cwd, 'tmp'));
  digest = events([...TRAIN, ...STEPS], { cwd }).at(-1)!.weightsSha256;
});
afterAll(() => remove());
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const file = (dir: string): string => join(cwd, dir, 'checkpoint.safetensors');
const load = (dir: string) => decodeCheckpoint(readFileSync(file(dir)));
const isPosix = process.platform !== 'win32';

interface Failure {
  path: string;
  code: string;
  times?: number;
  call?: string;
}
/** Runs a command on a file system that fails. */
function failing(words: readonly string[], failure: Failure): Outcome {
  const NODE_OPTIONS = `--import ${join(import.meta.dirname, 'failing-fs.mjs')}`;
  const RETROGRAD_TEST_FAILS = JSON.stringify(failure);
  const TMPDIR = join(cwd, 'tmp');
  return retrograd(words, { cwd, env: { NODE_OPTIONS, RETROGRAD_TEST_FAILS, TMPDIR } });
}
const doneOf = ({ stdout }: Outcome): { weightsSha256: string; checkpoint?: string } =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
const digestOf = (outcome: Outcome): string => doneOf(outcome).weightsSha256;
/** The words of the command after `continue with:`. */
const wordsIn = (stderr: string): string[] =>
  /continue with: \S+ \S+ (.*)\n$/.exec(stderr)![1].split(' ');

describe('a save that fails', () => {
  const EVERY = ['--save-every', '3', '--json'];

  test('on the way is a warning; the next one makes it good', async () => {
    const twice = { path: 'way/.*tmp$', code: 'ENOSPC', times: 2 };
    const outcome = failing([...TRAIN, ...STEPS, ...EVERY, '--out', 'way'], twice);
    const why = "'way/checkpoint.safetensors' was not written: 'way' has no space left";
    const next = 'on its device; training goes on, the next save tries again';
    const line = `retrograd: warning: ${why} ${next}\n`;
    expect([outcome.code, outcome.stderr]).toEqual([0, line + line]);
    expect(digestOf(outcome)).toBe(digest);
    expect((await load('way')).step).toBe(12);
  });

  test('at the end is tried again', async () => {
    const twice = { path: 'end/.*tmp$', code: 'EIO', times: 2 };
    const { code, stderr } = failing([...TRAIN, ...STEPS, '--out', 'end'], twice);
    expect([code, stderr]).toEqual([0, '']);
    expect((await load('end')).step).toBe(12);
  });

  test('for good is made in another place, and the printed command goes on from there', () => {
    const always = { path: 'good/.*tmp$', code: 'EROFS' };
    const words = [...TRAIN, ...STEPS, ...EVERY, '--stop-at', '7', '--out', 'good'];
    const outcome = failing(words, always);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/ 'good' is on a read-only file system; saved in '/);
    const said = /saved in '(.*\/tmp\/retrograd-\w+)' instead, which the/.exec(outcome.stderr);
    expect(existsSync(file('good'))).toBe(false);
    expect(doneOf(outcome).checkpoint).toBe(join(said![1], 'checkpoint.safetensors'));
    if (isPosix) expect(statSync(said![1]).mode & 0o777).toBe(0o700);
    expect(digestOf(retrograd([...wordsIn(outcome.stderr), '--json'], { cwd }))).toBe(digest);
  });

  test('a complete run is moved, not continued', () => {
    const always = { path: 'whole/.*tmp$', code: 'EDQUOT' };
    const words = [...TRAIN, ...STEPS, '--out', 'whole', '--export-float32'];
    const { code, stderr } = failing(words, always);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is over the disk quota; saved in '(.*)' instead, .*HINT: when it can /);
    expect(stderr).toMatch(/ mv \S*checkpoint.safetensors \S*weights.f32.safetensors whole\/\n$/);
    const [, move] = /move it: mv (.*)\n/.exec(stderr)!;
    for (const from of move.split(' ').slice(0, 2))
      renameSync(resolve(cwd, from), join(cwd, 'whole', basename(from)));
    const [found] = events(['inspect', 'whole'], { cwd });
    expect(found).toMatchObject({ step: 12, weightsSha256: digest });
  });

  test('that can be made nowhere is said, and no file that is not there is claimed to be', () => {
    const before = readdirSync(join(cwd, 'tmp'));
    const all = { path: '\\.tmp$', code: 'ENOSPC' };
    const words = [...TRAIN, ...STEPS, '--out', 'nowhere', '--json'];
    const { code, stdout, stderr } = failing(words, all);
    expect([code, stdout.includes('"done"')]).toEqual([1, false]);
    expect(stderr).toMatch(/was not written: .*, and it is lost: nor can it be written in /);
    expect(stderr).not.toContain('untouched');
    expect(readdirSync(join(cwd, 'tmp'))).toEqual(before);
  });

  test.skipIf(!isPosix)('a directory whose fsync says EINVAL ends nothing', () => {
    const invalid = { path: 'sync$', code: 'EINVAL', call: 'fsyncSync' };
    const { code, stderr } = failing([...TRAIN, ...STEPS, '--out', 'sync'], invalid);
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('while a run is in its directory', () => {
  const LONG = [...TRAIN, '--steps', '100000', '--json'];
  const RESUME = ['train', 'gpt', '--text', 'text.txt', '--resume'];
  interface Begun {
    child: ChildProcess;
    end: ReturnType<typeof ended>;
    said: { err: string };
  }
  /** Starts a run that goes on from step 2 and saves nothing before its end. */
  async function begin(dir: string): Promise<Begun> {
    expect(retrograd([...LONG, '--stop-at', '2', '--out', dir], { cwd }).code).toBe(0);
    const child = start([...RESUME, dir, '--json'], cwd);
    const end = ended(child);
    const said = { err: '' };
    children.push(child);
    child.stderr!.on('data', (chunk: Buffer) => {
      said.err += chunk.toString();
    });
    await new Promise<void>((resolve) =>
      child.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.includes('"step"')) resolve();
      }),
    );
    return { child, end, said };
  }

  test('a second one is told who has it, and a killed one leaves it free', async () => {
    const { child, end } = await begin('two');
    const who = `is in use by process ${child.pid} on \\S+ since 20.*Z`;
    const expected = 'expected a directory that no run writes\\. HINT: wait for its end';
    const holder = new RegExp(`${who}, ${expected}`);
    for (const words of [
      [...LONG, '--out', 'two'],
      [...RESUME, 'two'],
    ]) {
      const { code, stderr } = retrograd(words, { cwd });
      expect([code, stderr]).toEqual([2, expect.stringMatching(holder)]);
    }
    expect(retrograd(['inspect', 'two'], { cwd }).code).toBe(0);
    child.kill('SIGKILL');
    await end;
    const { step } = await load('two');
    expect(step).toBe(2);
    expect(retrograd([...RESUME, 'two', '--stop-at', '3'], { cwd }).code).toBe(0);
    expect(readdirSync(join(cwd, 'two')).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  });

  test('it may be removed or renamed: the run is saved in a new one', async () => {
    const removal = (dir: string): void => rmSync(join(cwd, dir), { recursive: true });
    const renaming = (dir: string): void => renameSync(join(cwd, dir), join(cwd, `${dir}-old`));
    for (const change of [removal, renaming]) {
      const { child, end, said } = await begin('gone');
      change('gone');
      child.kill('SIGTERM');
      expect([await end, said.err]).toEqual([{ code: 143, signal: null }, '']);
      expect((await load('gone')).step).toBeGreaterThan(2);
      rmSync(join(cwd, 'gone'), { recursive: true });
    }
  });

  test('it may become a file: the run is saved in another place', async () => {
    const { child, end, said } = await begin('file');
    renameSync(join(cwd, 'file'), join(cwd, 'file-old'));
    writeFileSync(join(cwd, 'file'), 'precious');
    child.kill('SIGTERM');
    expect((await end).code).toBe(1);
    expect(said.err).toMatch(/ 'file' is not a directory; saved in '.*' instead/);
    const [, dir] = /saved in '(.*)' instead/.exec(said.err)!;
    const saved = await decodeCheckpoint(readFileSync(join(dir, 'checkpoint.safetensors')));
    expect(saved.step).toBeGreaterThan(2);
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('precious');
    rmSync(dir, { recursive: true });
  });

  test('what another run has saved there meanwhile is not replaced', async () => {
    expect(retrograd([...TRAIN, '--steps', '3', '--out', 'other'], { cwd }).code).toBe(0);
    const { child, end, said } = await begin('taken');
    child.kill('SIGSTOP');
    for (const name of readdirSync(join(cwd, 'taken'))) rmSync(join(cwd, 'taken', name));
    renameSync(file('other'), file('taken'));
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    expect((await end).code).toBe(1);
    expect(said.err).toMatch(/: another run has saved there meanwhile; saved in '(.*)' instead/);
    expect((await load('taken')).step).toBe(3);
    rmSync(/saved in '(.*)' instead/.exec(said.err)![1], { recursive: true });
  });
});

describe.skipIf(!isPosix)('files', () => {
  test('a run that goes on keeps the mode of its checkpoint', () => {
    const begun = retrograd([...TRAIN, ...STEPS, '--stop-at', '3', '--out', 'mode'], { cwd });
    expect(begun.code).toBe(0);
    chmodSync(file('mode'), 0o600);
    const resumed = ['train', 'gpt', '--text', 'text.txt', '--resume', 'mode'];
    expect(retrograd(resumed, { cwd }).code).toBe(0);
    expect((statSync(file('mode')).mode & 0o777).toString(8)).toBe('600');
  });

  test('no link in a shared directory is followed', () => {
    mkdirSync(join(cwd, 'shared'));
    writeFileSync(join(cwd, 'victim'), 'precious');
    const links = ['log.jsonl', '.run.lock', '.checkpoint.safetensors.1.tmp'];
    for (const name of links) symlinkSync('../victim', join(cwd, 'shared', name));
    symlinkSync('../none', join(cwd, 'shared/checkpoint.safetensors'));
    expect(retrograd([...TRAIN, ...STEPS, '--out', 'shared'], { cwd }).code).toBe(0);
    expect(readFileSync(join(cwd, 'victim'), 'utf8')).toBe('precious');
    expect(existsSync(join(cwd, 'none'))).toBe(false);
  });
});

test('a step that leaves the range of its numbers does not lose those before it', async () => {
  const rate = ['--learning-rate', '0.99', '--warmup', '0', '--decay', 'constant'];
  const wild = ['--fraction-bits', '14', '--clip', '100000', '--layers', '4', ...rate];
  const hot = [...TRAIN, ...wild, '--steps', '2000', '--out', 'hot'];
  const { code, stderr } = retrograd(hot, { cwd });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^retrograd: [^\n]*HINT: [^\n]*\n$/)]);
  expect((await load('hot')).step).toBeGreaterThan(0);
});

// Hints are commands that run when pasted: every word survives a real shell, and the program is
// spelt as it was started.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine, pathWord, programName, shellWord } from '../../src/cli/shell.ts';
import { runsAll, some } from '../helpers/all.ts';
import { CLI, events, retrograd, TINY, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
});
afterAll(() => remove());

/** What a shell makes of words. */
const readBack = (shell: string, line: string): string[] => {
  const script =
    `"${process.execPath}" -e 'process.stdout.write(JSON.stringify(process.argv.slice(1)))' -- ` +
    `${line}`;
  return JSON.parse(spawnSync(shell, ['-c', script], { encoding: 'utf8' }).stdout) as string[];
};

describe('words for a shell', () => {
  const HARD = [
    'plain/path.txt',
    'my run',
    "it's",
    '"quoted"',
    '$HOME',
    '`id`',
    '$(id)',
    'a\\b',
    'a;b',
    'a&b',
    '*?[x]',
    '~',
    '#x',
    '!x',
    'a\nb',
    'tab\there',
    '\u001b[31mred',
    '\u202egnp.txt',
    'ünï',
    '🙂',
    '%s%d',
    '-n',
    '-\nx',
    "'\n'",
    '',
    ' ',
    'a=b',
    '=ls',
    '{a,b}',
    '<x>',
    '\\012\n x',
  ];

  test.each(['sh', 'bash'])(
    '%s reads back what was quoted, and nothing unseen is printed',
    (shell) => {
      const words = [...HARD, ...(shell === 'bash' ? ['ends\n', '-\n', "\\'\n"] : [])];
      const line = words.map(shellWord).join(' ');
      expect(readBack(shell, line)).toEqual(words);
      expect(line).not.toMatch(/[\u0000-\u001f\u007f\u202e]/);
    },
  );

  test('any text without NUL', () => {
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom(...'\'"\\$`%- \nab01'),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        ),
      )
      .map((parts) => parts.join('').replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (words) => {
        expect(readBack('bash', words.map(shellWord).join(' '))).toEqual(words);
      }),
      { numRuns: runsAll ? 40 : 8 },
    );
  });

  test('a path that begins with a hyphen is no option', () => {
    expect(['-x', 'run', './-x'].map(pathWord)).toEqual(['./-x', 'run', './-x']);
  });
});

describe('the program is spelt as it was started', () => {
  const start = (
    script: string,
    env: Record<string, string> = {},
    runtime: 'node' | 'bun' | 'deno' = 'node',
  ) => programName({ argv: ['/opt/bin/node', script], env, cwd: '/home/me/proj', runtime });

  test('a script by its shorter path, a link by its name if the shell finds it', () => {
    mkdirSync(join(cwd, 'bin'));
    for (const name of ['node', 'bun', 'deno', 'retrograd'])
      writeFileSync(join(cwd, 'bin', name), '');
    for (const name of ['node', 'bun', 'deno', 'retrograd'])
      chmodSync(join(cwd, 'bin', name), 0o755);
    const PATH = join(cwd, 'bin');
    expect(start('/home/me/proj/dist/cli.js', { PATH })).toBe('node dist/cli.js');
    expect(start('/home/me/my proj/cli.js', { PATH })).toBe("node '../my proj/cli.js'");
    expect(start('/x/cli.js', { PATH })).toBe('node /x/cli.js');
    expect(start('/home/me/proj/cli.js', {})).toBe('/opt/bin/node cli.js');
    expect(start('/home/me/proj/cli.js', { PATH }, 'bun')).toBe('bun cli.js');
    expect(start('/home/me/proj/cli.js', { PATH }, 'deno')).toBe('deno run -A cli.js');
    expect(start('/usr/bin/retrograd', { PATH })).toBe('retrograd');
    expect(start('/home/me/proj/node_modules/.bin/retrograd', { npm_command: 'exec' })).toBe(
      'npx retrograd',
    );
    expect(start('/home/me/proj/node_modules/.bin/retrograd')).toBe('node_modules/.bin/retrograd');
    expect(start('/home/me/proj/retrograd')).toBe('./retrograd');
  });

  test('through a link on the path the hint begins with its name', () => {
    mkdirSync(join(cwd, 'links'));
    copyFileSync(CLI, join(cwd, 'links/cli.js'));
    chmodSync(join(cwd, 'links/cli.js'), 0o755);
    symlinkSync('cli.js', join(cwd, 'links/retrograd'));
    const env = { ...process.env, PATH: `${join(cwd, 'links')}:${process.env.PATH}` };
    const { stderr } = spawnSync('retrograd', ['sample'], {
      env: { ...env, npm_command: undefined },
      encoding: 'utf8',
      cwd,
    });
    expect(stderr).toMatch(/HINT: see retrograd sample --help\n$/);
  });
});

describe('hints run when pasted', () => {
  const paste = (line: string) => spawnSync('sh', ['-c', line], { cwd, encoding: 'utf8' });
  const hintOf = (text: string): string => text.slice(text.lastIndexOf(': ') + 2).trim();

  test.each(some(["it's $HOME", 'my run', '-dash', 'a\nb', '*'], 2))(
    'of a run in %j from a text of that name',
    (name) => {
      const text = `${name}.txt`;
      const run = [
        'train',
        'gpt',
        '--text',
        text,
        ...TINY,
        '--steps',
        '4',
        '--micro-batch',
        '2',
        '--out',
        name,
      ];
      writeFileSync(join(cwd, text), 'the quick brown fox jumps over a lazy dog\n'.repeat(40));
      const [part] = events([...run, '--stop-at', '2'], { cwd }).slice(-1);
      const note = part.note as string;
      expect(note).toContain('; continue with: ');
      const refused = retrograd(run, { cwd });
      expect(refused.code).toBe(2);
      const other = paste(note.slice(note.indexOf('with: ') + 6));
      expect([other.status, other.stderr]).toEqual([0, '']);
      const complete = paste(refused.stderr.slice(refused.stderr.indexOf('that run: ') + 10));
      expect(complete.stderr).toMatch(/is complete: step 4 of 4/);
      const judged = paste(complete.stderr.slice(complete.stderr.indexOf("'sample': ") + 10));
      expect([judged.status, judged.stderr]).toEqual([0, '']);
      const foreign = retrograd(['translate', pathWord(name), '--text', 'x'], { cwd });
      expect(paste(hintOf(foreign.stderr)).stdout).toMatch(/^step +4 of 4$/m);
    },
  );

  test('the help of a command', () => {
    const { stderr } = retrograd(['train', 'gpt', '--zzzzzz'], { cwd });
    expect(paste(stderr.slice(stderr.indexOf('HINT: see ') + 10)).stdout).toMatch(
      /^Usage: retrograd train gpt /,
    );
    expect(commandLine('eval', 'my run')).toMatch(/ eval 'my run'$/);
  });
});

describe('--expect and short forms', () => {
  test('train, eval, verify: 0 if the digest is that, 1 with both if not, 2 if it is none', () => {
    const run = [
      'train',
      'gpt',
      '-t',
      'text.txt',
      ...TINY,
      '-n',
      '3',
      '--lr',
      '0.002',
      '--wd',
      '0.05',
      '-s',
      '7',
      '-j',
      '1',
    ];
    const long = [
      'train',
      'gpt',
      '--text',
      'text.txt',
      ...TINY,
      '--steps',
      '3',
      '--learning-rate',
      '0.002',
      '--weight-decay',
      '0.05',
      '--seed',
      '7',
    ];
    const { weightsSha256: digest } = events([...run, '-o', 'short'], { cwd }).at(-1)!;
    expect(events([...long, '--expect', digest], { cwd }).at(-1)!.weightsSha256).toBe(digest);
    expect(retrograd([...run, '--expect', digest.slice(0, 16).toUpperCase()], { cwd }).code).toBe(
      0,
    );
    const wrong = retrograd([...run, '--expect', '0'.repeat(64), '--json'], { cwd });
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(
          `^retrograd: the weights have SHA-256 ${digest}, expected 0{64}\\. HINT: [^\\n]+\\n$`,
        ),
      ),
    });
    expect(JSON.parse(wrong.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      event: 'done',
      weightsSha256: digest,
    });
    expect(retrograd([...run, '--expect', 'abc'], { cwd })).toMatchObject({ code: 2, stdout: '' });
    expect(
      events(['eval', 'short', '-t', 'text.txt', '--expect', digest], { cwd })[0].weightsSha256,
    ).toBe(digest);
    expect(
      retrograd(['eval', 'short', '-t', 'text.txt', '--expect', '1'.repeat(8)], { cwd }).code,
    ).toBe(1);
    const known = events(['verify'], { cwd }).at(-1)!.digest;
    expect(retrograd(['verify', '--expect', known], { cwd }).code).toBe(0);
    expect(retrograd(['verify', '--expect', '0'.repeat(64)], { cwd }).code).toBe(1);
  });
});

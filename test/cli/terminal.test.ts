// What a person sees: nothing broken inside words at 40, 80 and 200 columns, no stale bar, digests
// on lines of their own, plain text where the terminal is plain.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { areUneven } from '../../src/cli/bench/bench.ts';
import { areDisturbed } from '../../src/cli/bench/products.ts';
import { clampedNote } from '../../src/cli/report.ts';
import { barLine } from '../../src/cli/reporters.ts';
import { breakError, breakText } from '../../src/cli/terminal.ts';
import { cosine } from '../../src/index.ts';
import { pattern } from '../helpers/pattern.ts';
import { CLI, events, retrograd, TINY, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  events([...TRAIN, '--steps', '60', '--out', 'run'], { cwd });
});
afterAll(() => remove());

describe('texts', () => {
  test('are broken between words only, and nothing is lost', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abc,.:1'), minLength: 1, maxLength: 30 });
    const line = fc.array(word, { minLength: 1, maxLength: 20 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(line, fc.integer({ min: 20, max: 100 }), (text, columns) => {
        const broken = breakText(text, columns);
        expect(broken.split(/\s+/).filter((one) => one !== '')).toEqual(text.split(' '));
        for (const one of broken.split('\n'))
          expect(one.length <= columns || !one.trim().includes(' ')).toBe(true);
      }),
    );
  });

  test('rows of a table go on below their second column; a command to paste stays whole', () => {
    expect(breakText('name   some words here', 16)).toBe('name   some\n       words\n       here');
    expect(
      breakError(
        'retrograd: bad thing. HINT: do it: node cli.js run a b c d e f',
        'node cli.js',
        24,
      ),
    ).toBe('retrograd: bad thing.\nHINT: do it:\nnode cli.js run a b c d e f');
  });

  test('a bar fits any terminal', () => {
    const rest = ['12345/1000000', 'loss 12.345', '12 h 05 min left', '1,234,567 tokens/s'];
    for (let columns = 30; columns <= 200; columns++) {
      const line = barLine('training', 0.5, rest, columns);
      expect(line.length, `${columns} columns`).toBeLessThan(columns);
      expect(line).toMatch(/^training \[=* *\] {2}12345\/1000000/);
    }
    expect(barLine('training', 0.5, rest, 120)).toContain('left  1,234,567 tokens/s');
  });
});

const hasScript = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

describe.skipIf(!hasScript)('on a terminal', () => {
  /** What a command writes to a terminal, and what is left of it on the screen. */
  function see(
    words: string,
    columns: number,
    env: Record<string, string> = {},
  ): { raw: string; lines: string[] } {
    const command = `stty cols ${columns} rows 40; '${process.execPath}' '${CLI}' ${words}`;
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      cwd,
      encoding: 'utf8',
      input: '',
      env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...env },
    });
    const lines = stdout.split('\n').map((line) => {
      const drawn = line
        .split('\r')
        .filter((part) => part !== '')
        .map((part) =>
          part.replace(/\u001b\[\??[\d;]*[A-Za-z]/g, (code) =>
            /^\u001b\[[02]?[KJ]$/.test(code) ? '\u0000' : '',
          ),
        );
      return (drawn.join('\r').split('\u0000').at(-1) ?? '').split('\r').at(-1) ?? '';
    });
    return { raw: stdout, lines };
  }
  const train = `${TRAIN.join(' ')} --steps 60 --threads 1`;

  test.each([40, 80, 200])(
    'training at %i columns: no line is too wide, no bar is left, the digest has its line',
    (columns) => {
      const { raw, lines } = see(train, columns);
      expect(raw).toContain('training [');
      expect(lines.filter((line) => /training \[|validating \[/.test(line))).toEqual([]);
      expect(lines.filter((line) => line.length > columns && !/^[0-9a-f]{64}$/.test(line))).toEqual(
        [],
      );
      expect(lines.filter((line) => /^[0-9a-f]{64}$/.test(line))).toHaveLength(1);
      expect(raw).toContain('\u001b[34m');
    },
  );

  test('learning a tokenizer says how far it is, in a line that is gone', () => {
    const words = `${TRAIN.join(' ')} --steps 1 --threads 1 --tokenizer bpe:262`;
    const { raw, lines } = see(words, 80);
    expect(raw).toMatch(/learning the tokenizer: \d+ of 262 tokens/);
    expect(lines.filter((line) => line.includes('learning the tokenizer'))).toEqual([]);
  });

  test('TERM=dumb gets lines without a cursor, NO_COLOR no colour', () => {
    const dumb = see(train, 80, { TERM: 'dumb' }).raw;
    expect(dumb).not.toContain('\u001b');
    expect(dumb).toMatch(/step +1 of 60/);
    expect(dumb.replace(/[\r\n]/g, '')).toMatch(/^[ -~]+$/);
    const plain = see(train, 80, { NO_COLOR: '1' }).raw;
    expect(plain).not.toMatch(/\u001b\[3\dm/);
  });

  test.each([40, 80])('inspect, plan, eval, plot, help and errors at %i columns', (columns) => {
    for (const words of [
      'inspect run',
      'plan gpt',
      'plan gpt --layers 64 --channels 1024 --heads 16',
      'eval run',
      'plot run',
      '--help',
      'train gpt --help',
      'train vgg',
      'sample nowhere',
    ]) {
      const { lines } = see(words, columns);
      const wide = lines.filter(
        (line) =>
          line.length > columns &&
          line.trim().includes(' ') &&
          !line.includes(CLI) &&
          !line.includes('cli.js'),
      );
      expect(wide, `${words} at ${columns}`).toEqual([]);
    }
  });
});

describe('pages', () => {
  test('inspect is a page; --tensors lists them all', () => {
    const page = retrograd(['inspect', 'run'], { cwd }).stdout.trimEnd().split('\n');
    const { tensors } = events(['inspect', 'run'], { cwd })[0];
    expect(page.length).toBeLessThanOrEqual(30);
    expect(Math.max(...page.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(page.at(-1)).toBe(`${tensors.length} tensors; --tensors lists them`);
    const long = retrograd(['inspect', 'run', '--tensors'], { cwd }).stdout;
    for (const { name } of tensors) expect(long).toContain(`\n${name} `);
  });

  test(
    'plan of a model that does not fit shows its table and the micro-batch that fits, as a ' +
      'command that runs',
    () => {
      const words = [
        'plan',
        'gpt',
        '--text',
        'text.txt',
        ...TINY,
        '--batch',
        '24',
        '--memory-limit',
        '0.75MiB',
      ];
      const { code, stdout, stderr } = retrograd(words, { cwd });
      expect(code).toBe(2);
      expect(stdout).toMatch(/^weights +0\.\d\d MiB +[\d,]+ /m);
      expect(stderr).toMatch(
        pattern(
          /^retrograd: the run needs \d+ bytes, 786432 are allowed \(\d\.\d\d MiB, 0\.75 /,
          /MiB\)\. HINT: a micro-batch of \d+ fits \(0\.\d\d MiB\), same bits: /,
        ),
      );
      const again = stderr.slice(stderr.indexOf('same bits: ') + 11);
      const { status, stdout: fits } = spawnSync('sh', ['-c', again], { cwd, encoding: 'utf8' });
      expect([status, fits]).toEqual([0, expect.stringMatching(/^all +0\.[0-7]\d MiB/m)]);
      const larger = Number(/micro-batch of (\d+)/.exec(stderr)![1]);
      const next = [24, 12, 8, 6, 4, 3, 2, 1].filter((n) => n > larger).at(-1)!;
      expect(retrograd([...words, '--micro-batch', String(next)], { cwd }).code).toBe(2);
      expect(JSON.parse(retrograd([...words, '--json'], { cwd }).stdout)).toMatchObject({
        event: 'plan',
        memoryLimit: 786432,
        largestMicroBatch: larger,
      });
      expect(retrograd(['train', ...words.slice(1)], { cwd })).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(`a micro-batch of ${larger} fits`),
      });
      const tiny = retrograd([...words, '--memory-limit', '1000'], { cwd });
      expect(tiny.stderr).toContain('no micro-batch fits');
    },
  );

  test(
    'plan says the time by what bench measured: of the same model exactly, of twice the batch ' +
      'twice that',
    () => {
      const { stdout } = retrograd(
        [
          'bench',
          'gpt',
          ...TINY,
          '--vocabulary-size',
          '28',
          '--repeat',
          '2',
          '--threads',
          '1',
          '--json',
        ],
        { cwd },
      );
      spawnSync('tee', [join(cwd, 'bench.jsonl')], { input: stdout });
      const { milliseconds } = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .find(({ event }) => event === 'step');
      const of = (batch: string) =>
        events(
          [
            'plan',
            'gpt',
            ...TINY,
            '--vocabulary-size',
            '28',
            '--batch',
            batch,
            '--steps',
            '50',
            '--bench',
            'bench.jsonl',
          ],
          { cwd },
        )[0];
      expect(of('4').stepMilliseconds).toBeCloseTo(milliseconds, 6);
      expect(of('8').stepMilliseconds).toBeCloseTo(2 * milliseconds, 6);
      expect(of('4').seconds).toBeCloseTo(0.05 * milliseconds, 6);
      expect(retrograd(['plan', 'gpt', '--bench', 'bench.jsonl'], { cwd }).stdout).toMatch(
        /^about .* for 1,000 steps of \d+ ms, by the figures of bench\.jsonl$/m,
      );
      expect(retrograd(['plan', 'vit', '--bench', 'bench.jsonl'], { cwd })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /has no step of a vision transformer.* bench vit --json > bench\.jsonl/,
        ),
      });
    },
  );

  test(
    'bench knows a disturbed machine: more than the peak, rates that differ, time that others ' +
      'had',
    () => {
      const rounds = (peak: number[], product = 35) => peak.map((one) => ({ peak: one, product }));
      expect(areDisturbed(rounds([40, 40, 40, 40, 40, 40, 40, 39]), 1)).toBe(false);
      expect(areDisturbed(rounds([40, 40, 40, 40, 40, 40, 40, 40], 60), 1)).toBe(true);
      expect(areDisturbed(rounds([40, 20, 40, 22, 40, 21, 40, 20]), 1)).toBe(true);
      expect(areDisturbed(rounds([40, 40, 40, 40]), 0.7)).toBe(true);
      expect(areUneven([10, 10, 10, 11, 10, 10, 50])).toBe(false);
      expect(areUneven([10, 20, 10, 21, 10, 20])).toBe(true);
    },
  );

  test('clamped values are explained, with what to do if there are many', () => {
    const of = (saturated: number): string =>
      clampedNote({
        task: {
          trainer: {
            totals: { saturated },
            plan: { storedStatesWouldBe: 4_000_000 },
            options: { batch: 8, microBatch: 8, learningRate: cosine(0.001) },
          },
        },
        history: { losses: new Array(100).fill(1), clampedSteps: 3 },
      } as never);
    expect(of(0)).toBe('');
    expect(of(5)).toContain(
      '5 values were clamped to the range of their format, in 3 of 100 steps: too few to matter.',
    );
    expect(of(1e6)).toMatch(
      pattern(
        /CLAMPED: 1,000,000 values .*, in 3 of 100 steps: .*half the learning rate /,
        /\(--lr 0\.0005\) or a longer --warmup/,
      ),
    );
  });
});

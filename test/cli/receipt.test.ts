// Receipts and audits from the command line: files, events, exit codes, refusals; a run that is
// killed and goes on has the receipt of one that was not. Faults: receipt-faults.test.ts.

import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readReceipt } from '../../src/receipt/index.ts';
import { runsAll } from '../helpers/all.ts';
import {
  type Event,
  ended,
  events,
  expectRefusal,
  retrograd,
  start,
  TRAIN,
  workspace,
} from './command.ts';

let cwd: string;
let remove: () => void;
const RUN = [...TRAIN, '--steps', '12', '--save-every', '4', '--keep-states'];
const AUDIT = ['audit', 'run.jsonl', '--text', 'text.txt'];
const read = (name: string): string => readFileSync(join(cwd, name), 'utf8');

/** What cannot be relied on, named with a hint: exit code 1. */
function expectFailure(words: readonly string[], message: RegExp): void {
  const { code, stdout, stderr } = retrograd(words, { cwd });
  expect(stderr, words.join(' ')).toMatch(message);
  expect(stderr).toMatch(/^retrograd: [^\n]+\. HINT: [^\n]+\n$/);
  expect([code, stdout]).toEqual([1, '']);
}
const auditOf = (...words: string[]): Event => events([...AUDIT, ...words], { cwd })[0];

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  events([...RUN, '--out', 'run', '--receipt', 'run.jsonl'], { cwd });
  events([...RUN, '--out', 'full', '--receipt', 'full.jsonl', '--receipt-full'], { cwd });
  const other = [...TRAIN, '--steps', '12', '--seed', '2', '--receipt', 'other.jsonl'];
  events(other, { cwd });
  writeFileSync(join(cwd, 'torn.jsonl'), read('run.jsonl').slice(0, -100));
  writeFileSync(join(cwd, 'spoilt.jsonl'), read('run.jsonl').replace(/"loss":(\d)/, '"loss":1$1'));
  writeFileSync(join(cwd, 'another.txt'), read('text.txt').toUpperCase());
});
afterAll(() => remove());

describe('train --receipt', () => {
  test('writes a line for the run and one a step, whatever threads and micro-batches', () => {
    const { header, lines, torn } = readReceipt(readFileSync(join(cwd, 'run.jsonl')));
    expect([header.every, lines.length, torn]).toEqual([4, 12, false]);
    const words = [...RUN, '--threads', '2', '--micro-batch', '2', '--no-verify', '--out', 'two'];
    const done = events([...words, '--receipt', 'two.jsonl'], { cwd }).at(-1)!;
    expect(lines[11].weights).toBe(done.weightsSha256);
    expect(read('two.jsonl')).toBe(read('run.jsonl'));
  });

  test('says to people where the receipt is', () => {
    const words = [...TRAIN, '--steps', '1', '--receipt', 'said.jsonl'];
    expect(retrograd(words, { cwd }).stdout).toMatch(/^receipt {5}said\.jsonl$/m);
  });

  test('keeps the checkpoint of every save, and no other file', () => {
    expect(readdirSync(join(cwd, 'run')).sort()).toEqual(
      ['checkpoint.safetensors', 'log.jsonl'].concat([4, 8].map((n) => `state-${n}.safetensors`)),
    );
  });

  test('stopped at a step and resumed, the receipt is that of the run at once', () => {
    const more = ['--save-every', '4', '--receipt', 'part.jsonl'];
    const note = events([...RUN, '--out', 'part', '--stop-at', '6', ...more], { cwd }).at(-1)!.note;
    expect(note).toMatch(/ --save-every 4 --receipt part\.jsonl --keep-states --resume part$/);
    expect(readReceipt(readFileSync(join(cwd, 'part.jsonl'))).lines).toHaveLength(6);
    events(['train', 'gpt', '--resume', 'part', ...more], { cwd });
    expect(read('part.jsonl')).toBe(read('run.jsonl'));
  });

  const SIGNALS = [
    ['SIGKILL', 'a line may be cut'],
    ['SIGINT', 'it ends after a whole step'],
  ] as const;
  test.each(SIGNALS.slice(0, runsAll ? 2 : 1))(
    '%s in the middle of the run: %s, and --resume makes it whole',
    async (signal) => {
      const words = [...TRAIN, '--steps', '300', '--save-every', '20', '--receipt'];
      events([...words, `${signal}.whole`, '--out', `${signal}-whole`], { cwd });
      const child = start([...words, signal, '--out', `${signal}-run`, '--json'], cwd);
      let stdout = '';
      await new Promise<void>((resolve) =>
        child.stdout!.on('data', (chunk: Buffer) => {
          stdout += chunk.toString();
          if (stdout.includes('"step":50,')) resolve();
        }),
      );
      child.kill(signal);
      await ended(child);
      const killed = readReceipt(readFileSync(join(cwd, signal)));
      expect(killed.lines.length).toBeGreaterThan(39);
      expect(killed.lines.length).toBeLessThan(300);
      if (signal === 'SIGKILL') appendFileSync(join(cwd, signal), '{"step":');
      events(['train', 'gpt', '--resume', `${signal}-run`, '--receipt', signal], { cwd });
      expect(read(signal)).toBe(read(`${signal}.whole`));
    },
  );

  test('refuses a receipt that is there, cannot be written, or is of another run', () => {
    const begin = [...TRAIN, '--steps', '2', '--receipt'];
    expectRefusal([...begin, 'run.jsonl'], cwd, /--receipt 'run\.jsonl' is there already/);
    expectRefusal([...begin, 'no/run.jsonl'], cwd, /--receipt 'no\/run\.jsonl' does not exist/);
    expectRefusal([...begin, ''], cwd, /--receipt is '', expected a file/);
    expectRefusal([...TRAIN, '--receipt-full'], cwd, /expected --receipt FILE too/);
    expectRefusal([...TRAIN, '--keep-states'], cwd, /expected --save-every too/);
    events([...RUN, '--out', 'begun', '--stop-at', '6'], { cwd });
    const before = read('other.jsonl');
    for (const [file, message] of [
      ['other.jsonl', /'other\.jsonl': it is of a run with seed 2, the run has 1/],
      ['spoilt.jsonl', /'spoilt\.jsonl': line 2 does not fit what is before it/],
      ['text.txt', /'text\.txt': line 1 is not JSON/],
    ] as const) {
      const words = ['train', 'gpt', '--resume', 'begun', '--receipt', file];
      expectFailure(words, message);
    }
    expect(read('other.jsonl')).toBe(before);
  });
});

describe('receipt verify, sign, keygen', () => {
  test('verify says what the receipt is of, and what it does not prove', () => {
    const { code, stdout } = retrograd(['receipt', 'verify', 'run.jsonl'], { cwd });
    expect(code).toBe(0);
    for (const part of [
      /^begins with +the weights of seed 1$/m,
      /^steps +0 to 12 of 12$/m,
      /^state +every 4 steps$/m,
      /^The receipt is whole in itself\. Whether a run gives it: retrograd audit\.$/m,
      /^A receipt proves .* It does not prove that the run was the only one/m,
    ])
      expect(stdout).toMatch(part);
    expect(retrograd(['receipt', 'verify', 'torn.jsonl'], { cwd }).stdout).toMatch(
      /^steps +0 to 11 of 12\n(.*\n)*cut +the last line is not whole: a run was killed$/m,
    );
    const [event] = events(['receipt', 'verify', 'full.jsonl'], { cwd });
    expect(event).toMatchObject({ event: 'receipt', step: 12, torn: false, full: true });
  });

  test('a receipt that was signed is verified with the public key alone', () => {
    expect(events(['receipt', 'keygen', 'key'], { cwd })).toEqual([
      { event: 'keys', privateKey: 'key', publicKey: 'key.pub' },
    ]);
    expect(events(['receipt', 'sign', 'run.jsonl', '--key', 'key'], { cwd })).toEqual([
      { event: 'signed', file: 'run.jsonl.dsse.json' },
    ]);
    const verify = ['receipt', 'verify', 'run.jsonl', '--key', 'key.pub'];
    expect(events(verify, { cwd })[0].signed).toBe(true);
    expect(retrograd(verify, { cwd }).stdout).toMatch(/whole in itself, and signed with this key/);
    events(['receipt', 'keygen', 'foreign'], { cwd });
    const refused: [string[], RegExp][] = [
      [['keygen', 'key'], /'key' is there already, expected a new file/],
      [['sign', 'run.jsonl', '--key', 'key'], /'run\.jsonl\.dsse\.json' is there already/],
      [['sign', 'run.jsonl'], /--key is missing, expected a private key/],
      [['sign', 'run.jsonl', '--key', 'key.pub', '-o', 'a'], /no PEM block PRIVATE KEY/],
      [['verify', 'run.jsonl', '--key', 'none.pub'], /--key 'none\.pub' does not exist/],
      [['verify', 'full.jsonl', '--key', 'key.pub'], /--signature 'full\.jsonl\.dsse\.json' does/],
      [['verify', 'none.jsonl'], /receipt 'none\.jsonl' does not exist/],
    ];
    for (const [words, message] of refused) expectRefusal(['receipt', ...words], cwd, message);
    copyFileSync(join(cwd, 'run.jsonl.dsse.json'), join(cwd, 'full.jsonl.dsse.json'));
    const failed: [string[], RegExp][] = [
      [['sign', 'torn.jsonl', '--key', 'key'], /'torn\.jsonl': its last line is cut/],
      [['verify', 'run.jsonl', '--key', 'foreign.pub'], /no signature is of this key/],
      [['verify', 'full.jsonl', '--key', 'key.pub'], /what was signed is another receipt/],
      [['verify', 'spoilt.jsonl'], /'spoilt\.jsonl': line 2 does not fit what is before it/],
    ];
    for (const [words, message] of failed) expectFailure(['receipt', ...words], message);
  });
});

describe('audit', () => {
  test('exits with 0 for an honest receipt: all of it, parts, some steps, full, torn', () => {
    const nothing = { difference: null, kernel: null, nonce: null, workers: [] };
    const equal = { event: 'audit', equal: true, ...nothing };
    for (const [words, steps] of [
      [['--all'], 12],
      [['--threads', '2', '--micro-batch', '1'], 12],
      [['--run', 'run', '--jobs', '2'], 12],
      [['--run', 'run', '--jobs', '1'], 12],
      [['--all', '--no-digest-thread'], 12],
      [['--run', 'run', '--only', '6-7'], 3],
      [['--only', '3'], 3],
      [['--run', 'run', '--kernels-of', '9'], 1],
    ] as const)
      expect(auditOf(...words), words.join(' ')).toEqual({ ...equal, steps });
    const audited = (file: string) => events(['audit', file, '--text', 'text.txt'], { cwd })[0];
    expect(audited('full.jsonl')).toEqual({ ...equal, steps: 12 });
    expect(audited('torn.jsonl')).toEqual({ ...equal, steps: 11 });
    const { code, stdout } = retrograd([...AUDIT, '--kernels-of', '2'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^begins with +the weights of seed 1\n/);
    expect(stdout).toMatch(/^equal: 2 steps done again$/m);
    expect(stdout).toMatch(/^every kernel of step 2 computes here what the reference does$/m);
    expect(stdout).toMatch(/^A receipt proves that these weights follow from these data and/m);
  });

  test('--segments draws the same parts by the same nonce, and says which nonce', () => {
    const drawn = auditOf('--run', 'run', '--segments', '1');
    expect(drawn.nonce).toMatch(/^[0-9a-f]{16}$/);
    const some = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const sample = ['--run', 'run', '--segments', '1', '--jobs', '1', '--nonce'];
    const parts = some.slice(0, 3).map((nonce) => auditOf(...sample, nonce));
    expect(parts.map(({ steps }) => steps)).toEqual([4, 4, 4]);
    const { stdout } = retrograd([...AUDIT, ...sample, 'a'], { cwd });
    expect(stdout).toMatch(/^a sample, drawn with --nonce a: a fault elsewhere is not seen$/m);
    expect(auditOf('--run', 'run', '--segments', '9').nonce).toBeNull();
  });

  test('--bisect compares two receipts without data', () => {
    const bisect = ['audit', 'run.jsonl', '--bisect'];
    expect(events([...bisect, 'torn.jsonl'], { cwd })).toEqual([
      { event: 'bisect', equal: true, difference: null },
    ]);
    expect(retrograd([...bisect, 'run.jsonl'], { cwd }).stdout).toMatch(/equal, as far as both go/);
    expectRefusal([...bisect, 'other.jsonl'], cwd, /of different runs: they have other options/);
    expectRefusal([...bisect, 'spoilt.jsonl'], cwd, /cannot tell: 'spoilt\.jsonl': line 2 does/);
    expectRefusal([...bisect, 'none.jsonl'], cwd, /receipt 'none\.jsonl' does not exist/);
  });

  test('exits with 2 where it cannot tell, with what is expected and a hint', () => {
    writeFileSync(join(cwd, 'case.json'), '');
    const refused: [string[], RegExp][] = [
      [['audit', 'run.jsonl'], /--text is missing, expected a text file/],
      [['audit', 'none.jsonl', '--text', 'text.txt'], /receipt 'none\.jsonl' does not exist/],
      [['audit', 'text.txt', '--text', 'text.txt'], /cannot tell: 'text\.txt': line 1 is not JSON/],
      [
        ['audit', 'spoilt.jsonl', '--text', 'text.txt'],
        /cannot tell: 'spoilt\.jsonl': line 2 does/,
      ],
      [[...AUDIT, '--only', '13'], /--only is 13, expected steps that the receipt has/],
      [[...AUDIT, '--only', 'x'], /--only is x, expected one step or two, as in 101-200/],
      [[...AUDIT, '--kernels-of', '13'], /--only is 13, expected steps that the receipt has/],
      [[...AUDIT, '--segments', '0'], /--segments is '?0'?, expected a whole number from 1/],
      [[...AUDIT, '--run', 'nowhere'], /--run nowhere is no directory that can be read/],
      [[...AUDIT, '--case', 'case.json'], /--case 'case\.json' is there already/],
    ];
    for (const [words, message] of refused) expectRefusal(words, cwd, message);
    const { code, stderr } = retrograd(['audit', 'run.jsonl', '--text', 'another.txt'], { cwd });
    expect(stderr).toMatch(/another\.txt.* has SHA-256 .*HINT: give the same file\n$/);
    expect(code).toBe(2);
  });

  test('begins with no checkpoint that is of another run', () => {
    const foreign = [...TRAIN, '--steps', '12', '--seed', '3', '--save-every', '4'];
    events([...foreign, '--keep-states', '--out', 'foreign-run'], { cwd });
    const words = [...AUDIT, '--run', 'foreign-run', '--only', '6', '--jobs', '1', '--json'];
    const { code, stdout, stderr } = retrograd(words, { cwd });
    expect(stderr).toMatch(/state-4\.safetensors' is not the state that the receipt has after/);
    expect([code, stdout]).toEqual([2, '']);
  });
});

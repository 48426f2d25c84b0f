// docs/fine-tuning.md: its examples print what they say, and its commands have the options that
// they name.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import { retrograd } from '../cli/command.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/fine-tuning.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code]) => code,
  );

test.each(blocks('js'))('an example prints what it says', async (code) => {
  const names = /^import \{ ([^}]*) \} from 'retrograd';$/m.exec(code)![1].split(', ');
  const said = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, words]) => words);
  const lines: string[] = [];
  const values = names.map((name) => (library as Record<string, unknown>)[name]);
  const run = new Function(
    ...names,
    'console',
    `return (async () => {${code.replace(/^import .*$/m, '')}})()`,
  );
  await run(...values, { log: (...all: unknown[]) => lines.push(all.join(' ')) });
  expect(said.length).toBeGreaterThan(0);
  expect(lines).toEqual(said);
});

test('every command with its options is one that there is', () => {
  const commands = blocks('sh').flatMap((code) => code.trim().split('\n'));
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const [, words, rest] = /^retrograd ((?:train )?[a-z]+)(.*)$/.exec(command)!;
    const { code, stdout } = retrograd([...words.split(' '), '--help']);
    expect(code, command).toBe(0);
    for (const [flag] of rest.matchAll(/--[a-z][\w-]*/g))
      expect(stdout, command).toMatch(new RegExp(`${flag}\\b`));
  }
});

test('learning on ends below learning anew, as bench/results/fine-tuning.json has it', () => {
  const path = join(import.meta.dirname, '../../bench/results/fine-tuning.json');
  const { steps, runs } = JSON.parse(readFileSync(path, 'utf8')) as {
    steps: number;
    runs: Record<string, { loss: number; lossBefore: number; mismatchedElements: number }>;
  };
  const { scratch, ...others } = runs;
  expect(Object.keys(others)).toEqual(['whole', 'upper half', 'adapter of rank 8']);
  expect(text).toContain(`${steps} steps`);
  for (const [name, { loss, lossBefore, mismatchedElements }] of Object.entries(others)) {
    expect(loss, name).toBeLessThan(scratch.loss);
    expect(loss, name).toBeLessThan(lossBefore);
    expect(mismatchedElements).toBe(0);
    expect(text, name).toContain(loss.toFixed(3));
  }
  expect(text).toContain(scratch.loss.toFixed(3));
});

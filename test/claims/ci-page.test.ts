// docs/ci.md: its example prints what it says, and its commands exist.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gpt, Trainer } from '../../src/index.ts';
import { retrograd } from '../cli/command.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/ci.md'), 'utf8');

test('the example gives the digest that its comment says', async () => {
  const code = /```js\n([\s\S]*?)```/.exec(text)![1].replace(/^import .*$/m, '');
  const said = /\/\/ ([0-9a-f]{16})$/m.exec(code)![1];
  const lines: string[] = [];
  const run = new Function('gpt', 'Trainer', 'console', `return (async () => {${code}})()`) as (
    ...values: unknown[]
  ) => Promise<void>;
  await run(gpt, Trainer, { log: (line: string) => lines.push(line) });
  expect(lines).toEqual([said]);
});

test('every command with its options is one that there is', () => {
  const commands = [
    ...text
      .replaceAll('>-\n', '')
      .matchAll(/(?:npx )?retrograd ([a-z]+(?: (?:gpt|vit|translate))?)((?:(?!\n {6}-)[^`|])*)/g),
  ];
  expect(commands.length).toBeGreaterThan(6);
  for (const [, words, rest] of commands) {
    const name = words === 'train' ? 'train gpt' : words;
    const { code, stdout } = retrograd([...name.split(' '), '--help']);
    expect(code, name).toBe(0);
    for (const [flag] of rest.matchAll(/--[a-z][\w-]*/g))
      expect(stdout, `${name} ${flag}`).toMatch(new RegExp(`${flag}\\b`));
  }
});

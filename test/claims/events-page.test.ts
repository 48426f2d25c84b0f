// docs/command-line.md has every field of every event that a command prints with --json, and none
// that no command prints; it has every command's help.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, retrograd, start, TINY, TRAIN, workspace } from '../cli/command.ts';
import { idxFiles, makeFolder } from '../cli/image-files.ts';
import { hasServer, Scene } from '../nats/scene.mjs';

const text = readFileSync(join(import.meta.dirname, '../../docs/command-line.md'), 'utf8');
const page = text.slice(text.indexOf('## JSON'));

type Fields = Map<string, Set<string>>;
const put = (fields: Fields, event: string, names: Iterable<string>): void => {
  fields.set(event, new Set([...(fields.get(event) ?? []), ...names]));
};

/** `command event` -> the fields that the page has, and those that it says are always there. */
function documented(): { all: Fields; always: Fields } {
  const all: Fields = new Map();
  const always: Fields = new Map();
  for (const chapter of page.split('\n### ').slice(1)) {
    const [title, ...lines] = chapter.split('\n');
    const commands = [...title.matchAll(/`([\w ]+)`/g)].map(([, name]) => name);
    for (const line of lines.filter((one) => /^\| `/.test(one))) {
      const [, events, fields] = line
        .split(' | ')
        .map((cell) => cell.replace(/^\| /, ''))
        .flatMap((cell, i) => (i === 0 ? ['', cell] : [cell]));
      for (const [, event] of events.matchAll(/`([a-z]+)`/g))
        for (const command of commands) {
          const words = fields.replace(/`--[^`]*`/g, '');
          put(
            all,
            `${command} ${event}`,
            [...words.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
          );
          put(
            always,
            `${command} ${event}`,
            [...words.replace(/([*_])`[^`]*`\1/g, '').matchAll(/`([\w.]+)`/g)].map(
              ([, name]) => name,
            ),
          );
        }
    }
  }
  return { all, always };
}

/** Objects whose fields the page has one by one. */
const OPEN = ['bytes', 'files', 'reconstruction', 'tensors'];

function namesOf({ event: _, ...rest }: Record<string, unknown>): string[] {
  return Object.entries(rest).flatMap(([name, value]) => {
    const inner = Array.isArray(value) ? value[0] : value;
    return OPEN.includes(name)
      ? [name, ...Object.keys(inner as object).map((key) => `${name}.${key}`)]
      : [name];
  });
}

let cwd: string;
let remove: () => void;
const seen: Fields = new Map();
const shared: Fields = new Map();

function take(command: string, lines: string): void {
  for (const line of lines.split('\n').filter((one) => one !== '')) {
    const event = JSON.parse(line) as Record<string, unknown>;
    const key = `${command} ${String(event.event)}`;
    const names = namesOf(event);
    put(seen, key, names);
    shared.set(key, new Set(names.filter((name) => shared.get(key)?.has(name) ?? true)));
  }
}

/** Runs a command and takes its events. */
function run(words: string[], code = 0): void {
  const outcome = retrograd([...words, '--json'], { cwd });
  expect([outcome.code, outcome.stderr.slice(0, 300)], words.join(' ')).toEqual([
    code,
    code === 0 ? '' : expect.any(String),
  ]);
  take(words[0], outcome.stdout);
}

/** An experiment that is interrupted at its first point. */
async function interrupt(words: string[]): Promise<void> {
  const child = start([...words, '--json'], cwd);
  let stdout = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes('"event":"point"')) child.kill('SIGINT');
  });
  expect((await ended(child)).code).toBe(130);
  take('experiment', stdout);
}

/** Commands that cannot be run where there is no nats-server. */
const ABSENT = hasServer ? [] : ['worker', 'runs'];
const isThere = (key: string): boolean => !ABSENT.includes(key.split(' ')[0]);

/** A run that is divided among processes. */
async function divide(): Promise<void> {
  const scene = new Scene();
  try {
    await scene.startServer();
    const coordinator = scene.coordinator('run', 4);
    const name = await scene.runOf('run');
    take('runs', (await scene.start(['runs', '--server', scene.server, '--json']).ended).out);
    const worker = scene.worker(name, 'anna');
    take('train', (await coordinator.ended).out);
    take('worker', (await worker.ended).out);
  } finally {
    await scene.close();
  }
}

const SMALL = ['--layers', '1', '--channels', '16', '--heads', '2', '--batch', '4'];
const VIT = ['vit', '--data', 'set', '--classes', '4', '--patch', '4', ...SMALL];
const PAIRS = [
  'translate',
  '--pairs',
  'pairs.txt',
  '--context',
  '16',
  '--vocabulary-size',
  '40',
  ...SMALL,
];

beforeAll(async () => {
  ({ path: cwd, remove } = workspace());
  makeFolder(join(cwd, 'set'), idxFiles());
  makeFolder(join(cwd, 'digits'), idxFiles({ classes: 10, side: 28, train: 60, test: 10 }));
  const word = (i: number): string => ['red', 'blue', 'tall', 'small', 'cold'][i % 5];
  writeFileSync(
    join(cwd, 'pairs.txt'),
    Array.from({ length: 120 }, (_, i) => `${i} ${word(i)}\t${word(i)} ${word(i >> 3)}`).join('\n'),
  );

  const image = { width: 8, height: 8, channels: 1 as const, data: new Uint8Array(64) };
  writeFileSync(join(cwd, 'image.png'), encode(image));

  run([
    ...TRAIN,
    '--steps',
    '21',
    '--out',
    'gpt',
    '--keep-best',
    '--validate-every',
    '10',
    '--stop-at',
    '20',
  ]);
  run([...TRAIN, '--steps', '40']);
  run(['train', 'gpt', '--text', 'text.txt', '--init', 'gpt', '--steps', '1', '--out', 'next']);
  run(['train', ...VIT, '--steps', '3', '--out', 'vit']);
  run(['train', ...PAIRS, '--steps', '3', '--out', 'french']);
  run(['demo', '--steps', '1']);
  const bench = retrograd(
    ['bench', 'gpt', ...TINY, '--repeat', '1', '--threads', '1', '--profile', '--json'],
    { cwd },
  ).stdout;
  writeFileSync(join(cwd, 'bench.jsonl'), bench);
  take('bench', bench);
  run(['plan', 'gpt', '--text', 'text.txt', ...TINY, '--bench', 'bench.jsonl']);
  run(['plan', 'gpt', ...TINY, '--memory-limit', '1000'], 2);
  const digest = JSON.parse(retrograd(['inspect', 'gpt', '--json'], { cwd }).stdout)
    .weightsSha256 as string;
  run(['eval', 'gpt', '--gamma', '0', '--expect', digest]);
  for (const dir of ['vit', 'french']) run(['eval', dir]);
  for (const words of [
    ['inspect', 'gpt'],
    ['inspect', 'next'],
    ['sample', 'gpt', '--length', '3'],
    ['classify', 'vit', 'image.png'],
    ['export', 'gpt', '--to', 'hf', '--out', 'left'],
    ['import', 'left', '--out', 'back'],
    ['translate', 'french', '--text', 'red blue'],
    ['plot', 'gpt'],
    ['verify'],
  ])
    run(words);
  const tiny = ['--layers', '1', '--channels', '16', '--heads', '2', '--context', '32'];
  run(['compress', '--train', 'pairs.txt', ...tiny, '--steps', '2', '--out', 'words.rgm']);
  for (const words of [
    ['compress', 'pairs.txt', '--model', 'words.rgm', '--out', 'pairs.rga'],
    ['test', 'pairs.rga', '--model', 'words.rgm'],
    ['decompress', 'pairs.rga', '--model', 'words.rgm', '--out', 'back again'],
  ])
    run(words);
  const [receipt, other] = ['a.receipt.jsonl', 'b.receipt.jsonl'];
  const short = [...TRAIN, '--steps', '2', '--receipt'];
  run([...short, receipt]);
  run([...short, other, '--seed', '2']);
  const text = ['--text', 'text.txt'];
  for (const words of [
    ['receipt', 'keygen', 'key'],
    ['receipt', 'sign', receipt, '--key', 'key'],
    ['receipt', 'verify', receipt, '--key', 'key.pub'],
    ['audit', receipt, ...text],
    ['audit', receipt, ...text, '--segments', '1'],
    ['audit', receipt, ...text, '--bisect', receipt],
  ])
    run(words);
  if (hasServer) await divide();
  run(['experiment', '--list']);
  const experiment = [
    'experiment',
    'mnist',
    '--data',
    'digits',
    '--out',
    'results',
    '--scale',
    '0.4',
    '--cells',
    'bdia',
    '--seeds',
    '1',
  ];
  await interrupt(experiment);
  await interrupt([...experiment.slice(0, -1), '2']);
  const kept = readdirSync(join(cwd, 'results', 'mnist-scale-0.4')).find(
    (name) => name.includes('2') && !name.endsWith('.json'),
  )!;
  writeFileSync(join(cwd, 'results', 'mnist-scale-0.4', kept), 'damaged');
  run([...experiment.slice(0, -1), '1,2']);
  run([...experiment.slice(0, -1), '1']);
}, 600_000);
afterAll(() => remove());

/** Of commands that share a list, what all of them print. */
function printed(key: string): Set<string> {
  const [command, event] = key.split(' ');
  if (!['train', 'demo'].includes(command)) return seen.get(key) ?? new Set();
  return new Set(['train', 'demo'].flatMap((name) => [...(seen.get(`${name} ${event}`) ?? [])]));
}

test('every event and field that is printed is documented', () => {
  const { all } = documented();
  put(all, 'plan plan', all.get('train plan')!);
  expect(seen.size).toBeGreaterThan(20);
  const missing = [...seen].flatMap(([key, names]) =>
    [...names].filter((name) => !all.get(key)?.has(name)).map((name) => `${key}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test('every documented event and field is printed, always if the page says no condition', () => {
  const { all, always } = documented();
  const never = [...all]
    .filter(([key]) => key.split(' ')[1] !== 'curve' || key.startsWith('plot'))
    .filter(([key]) => seen.has(key))
    .flatMap(([key, names]) =>
      [...names].filter((name) => !printed(key).has(name)).map((name) => `${key}: ${name}`),
    )
    .filter((one) => one !== 'verify row: firstDifference'); // no machine is wrong on purpose
  expect(never).toEqual([]);
  const events = new Set([...seen.keys()].map((key) => key.split(' ')[1]));
  expect(
    [...all.keys()]
      .filter(isThere)
      .map((key) => key.split(' ')[1])
      .filter((event) => !events.has(event)),
  ).toEqual([]);
  const sometimes = [...always]
    .filter(([key]) => shared.has(key) && !key.startsWith('plan'))
    .flatMap(([key, names]) =>
      [...names].filter((name) => !shared.get(key)!.has(name)).map((name) => `${key}: ${name}`),
    );
  expect(sometimes).toEqual([]);
});

/** The help of every command and of those of theirs. */
function helpsOf(...words: string[]): [command: string, help: string][] {
  const help = retrograd([...words, '--help']).stdout;
  const list = /\nCommands:\n([\s\S]*?)(\n\n|$)/.exec(help)?.[1] ?? '';
  const names = [...list.matchAll(/^ {2}(\w+)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'help');
  if (names.length === 0) return [[words.join(' '), help]];
  return names.flatMap((name) => helpsOf(...words, name));
}

test("the page has every command's help; every command that has --json was run", () => {
  const helps = helpsOf();
  expect(helps.length).toBeGreaterThan(15);
  const missing = helps.filter(([command]) => !text.includes(`\nUsage: retrograd ${command} `));
  expect(missing).toEqual([]);
  const ran = [...seen.keys()].map((key) => key.split(' ')[0]);
  const silent = helps
    .filter(([, help]) => help.includes('--json'))
    .filter(([command]) => isThere(command) && !ran.includes(command.split(' ')[0]));
  expect(silent.map(([command]) => command)).toEqual([]);
});

// Words of train, worker and runs that are wrong are refused before anything is written, and above
// all before anything is removed: a run that is there loses nothing. No server is needed.

import { writeFileSync } from 'node:fs';
import { beforeAll, describe, test } from 'vitest';
import { TRAIN } from './command.ts';
import { file, refused, useWorkspace } from './refused.ts';

useWorkspace();
beforeAll(() => {
  for (const run of ['run', 'complete'])
    for (const name of ['receipt.jsonl', 'parts.jsonl'])
      writeFileSync(file(`${run}/${name}`), 'what others check the run by\n');
});

const DIVIDED = [...TRAIN, '--steps', '2', '--workers', '2'];

describe('a divided run', () => {
  test.each([
    ['in the directory of a complete one', ['--out', 'complete'], /holds the checkpoint of a run/],
    ['in that of an unfinished one', ['--out', 'run'], /holds the checkpoint of a run/],
    ['without a directory', [], /--out is missing, expected a directory/],
    ['of more parts than samples', ['--out', 'new', '--parts', '0'], /--parts is '0', expected/],
    ['of no workers', ['--out', 'new', '--workers', '0'], /--workers is '0', expected/],
    ['with too many copies', ['--out', 'new', '--replicate', '9'], /--replicate is '9', expected/],
  ])('is refused %s', (_, words, message) => {
    refused([...DIVIDED, ...words], 2, message);
  });

  test.each(['--parts', '--replicate', '--spot-checks'])('is what %s is for', (flag) => {
    refused(
      [...TRAIN, '--steps', '2', flag, '1'],
      2,
      new RegExp(`${flag} is given, but no workers`),
    );
  });

  test.each([
    ['an address that is none', 'http://localhost', /expected nats:\/\/ or tls:\/\//],
    ['no server', 'nats://127.0.0.1:1', /no server answers at 'nats:\/\/127.0.0.1:1'/],
  ])('finds %s', (_, server, message) => {
    refused(['runs', '--server', server], 2, message);
    refused(['worker', '--server', server, '--run', 'r1'], 2, message);
  });

  test.each([
    ['server', ['--run', 'r1']],
    ['run', ['--server', 'nats://127.0.0.1:1']],
  ])('is not found by a worker without --%s', (name, words) => {
    refused(['worker', ...words], 2, new RegExp(`--${name} is missing`));
  });
});

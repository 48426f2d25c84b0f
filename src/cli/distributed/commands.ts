// The words of retrograd worker and retrograd runs.

import type { Command } from 'commander';
import { as, byteCount, JSON_OPTION, number } from '../argv.ts';
import { table } from '../format.ts';
import { listRuns } from '../library.ts';
import { print, printJson } from '../reporters.ts';
import { connectTo, type ServerValues } from './connection.ts';
import { runWorker } from './work.ts';

const SERVER = [
  '--server <address>',
  'of a NATS server, as nats://user:password@host:4222',
] as const;
const CREDS = ['--creds <file>', "a user's credentials for it"] as const;

async function showRuns(values: ServerValues & { json?: boolean }): Promise<number> {
  const connection = await connectTo({ ...values, server: values.server ?? '127.0.0.1:4222' });
  try {
    const runs = await listRuns(connection);
    if (values.json === true) for (const run of runs) printJson({ event: 'run', ...run });
    else if (runs.length === 0) print('the server knows no run');
    else print(table(runs.map(({ run, steps, last }) => [run, `step ${steps}, ${last}`])));
    return 0;
  } finally {
    await connection.close();
  }
}

/** Adds the commands; `finish` receives the exit code of the one that ran. */
export function addDistributed(program: Command, finish: (code: number) => void): void {
  program
    .command('worker')
    .description(
      'compute parts of the steps of a run (train --server) until it ends. Whoever runs it sees ' +
        "the run's data and weights",
    )
    .option(...SERVER)
    .option('--run <id>', "the run's name, as train says it")
    .option('--name <name>', "this worker's (the server's user, or host and process)")
    .option(...CREDS)
    .option('-j, --threads <n>', 'threads (1); same bits', as(number('--threads')))
    .option('--micro-batch <n>', 'samples held at a time; same bits', as(number('--micro-batch')))
    .option(
      '--max-transfer <bytes>',
      'end when so many went over the network, as in 1GiB (no limit)',
      as(byteCount('--max-transfer')),
    )
    .option('--with-parent', 'end when the standard input ends')
    .option(...JSON_OPTION)
    .action(async (values) => finish(await runWorker(values as never)));
  program
    .command('runs')
    .description('the runs that a server knows')
    .option(...SERVER)
    .option(...CREDS)
    .option(...JSON_OPTION)
    .action(async (values) => finish(await showRuns(values as never)));
}

// The words of retrograd audit and retrograd receipt.

import type { Command } from 'commander';
import { as, JSON_OPTION, names, number, wholeNumber } from '../argv.ts';
import { KINDS } from '../kinds/kinds.ts';
import { addRows } from '../options.ts';
import { audit } from './audit.ts';
import { makeKeys, NOT_PROVED, signFile, verifyReceipt } from './receipt.ts';

const FILE = ['<RECEIPT>', 'what train wrote with --receipt'] as const;
const MOST_STEPS = 2 ** 31 - 1;

function addAudit(program: Command, finish: (code: number) => void): void {
  addRows(
    program
      .command('audit')
      .description(
        'do a run again, or parts of it, and compare every step with its receipt. Exit code 0: ' +
          'equal, 1: a step differs, 2: cannot tell',
      )
      .argument(...FILE),
    KINDS.flatMap(({ rows }) => rows.data),
  )
    .option('--all', 'all steps (this is what is done if nothing else is asked for)')
    .option('--run <dir>', 'where state-STEP.safetensors are, which parts can begin with')
    .option(
      '--from <checkpoint>',
      'what a run with imported weights began with: that of its --init',
    )
    .option('--fresh <tensors>', 'weights that it did not take from there', as(names('--fresh')))
    .option('--only <steps>', 'these steps, as in 101-200, and those before that they need')
    .option(
      '--segments <n>',
      'n parts between states, drawn at random: a deterrent, not a proof',
      as(wholeNumber('--segments', 1, MOST_STEPS)),
    )
    .option('--nonce <text>', 'draw the same parts again (random)')
    .option('--bisect <other>', 'the first step at which another receipt says otherwise: no data')
    .option(
      '--kernels-of <step>',
      'hold every kernel call of this step against the reference, on this machine',
      as(wholeNumber('--kernels-of', 1, MOST_STEPS)),
    )
    .option('--case <file>', 'write the wrong kernel call here, as a conformance case')
    .option(
      '--jobs <n>',
      'parts done side by side, each on a thread (as many as this machine has)',
      as(wholeNumber('--jobs', 1, 256)),
    )
    .option('-j, --threads <n>', 'threads of one part; same bits', as(number('--threads')))
    .option('--micro-batch <n>', 'samples held at a time; same bits', as(number('--micro-batch')))
    .option('--no-digest-thread', 'digest between steps, where no other processor is free')
    .option(...JSON_OPTION)
    .addHelpText('after', `\n${NOT_PROVED}`)
    .action(async (path: string, values) => finish(await audit(path, values as never)));
}

/** Adds the commands; `finish` receives the exit code of the one that ran. */
export function addReceipt(program: Command, finish: (code: number) => void): void {
  addAudit(program, finish);
  const receipt = program
    .command('receipt')
    .description('whether a receipt of a run is whole, and signatures of it');
  receipt
    .command('verify')
    .description('its format and its chain, and with --key its signature; nothing is trained')
    .argument(...FILE)
    .option('--key <file>', 'the public key of who signed it')
    .option('--signature <file>', 'the envelope (RECEIPT.dsse.json)')
    .option(...JSON_OPTION)
    .addHelpText('after', `\n${NOT_PROVED}`)
    .action(async (path: string, values) => finish(await verifyReceipt(path, values)));
  receipt
    .command('sign')
    .description('an in-toto statement of it in a DSSE envelope, signed with ECDSA P-256')
    .argument(...FILE)
    .option('--key <file>', 'the private key')
    .option('-o, --out <file>', 'the envelope to write (RECEIPT.dsse.json)')
    .option(...JSON_OPTION)
    .action(async (path: string, values) => finish(await signFile(path, values)));
  receipt
    .command('keygen')
    .description('a new pair of keys')
    .argument('<FILE>', 'the private key to write; the public one is FILE.pub')
    .option(...JSON_OPTION)
    .action(async (path: string, values) => finish(await makeKeys(path, values)));
}

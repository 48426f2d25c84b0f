// Entry of dist/cli.js (bin `retrograd`).

import { run } from './program.ts';

// A reader that closes the pipe early (| head) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
// Not process.exit: what is still on its way to a pipe would be lost.
process.exitCode = await run(process.argv.slice(2));

// Entry of dist/cli.js (bin `retrograd`).

import { watchOutput } from './output.ts';
import { run } from './program.ts';

watchOutput();
// Not process.exit: what is still on its way to a pipe would be lost.
process.exitCode = await run(process.argv.slice(2));

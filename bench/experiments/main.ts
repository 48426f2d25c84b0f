// Entry of npm run experiment, as run.mjs bundles it.

import { watchOutput } from '../../src/cli/output.ts';
import { runProgram } from '../../src/cli/program.ts';
import { createExperiment } from './command.ts';

watchOutput();
process.exitCode = await runProgram(createExperiment, process.argv.slice(2));

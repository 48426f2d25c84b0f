// One training run through four runtimes: 50 steps in Node, 50 in Bun, 50 in Chromium, 50 in
// workerd, a checkpoint's bytes from one to the next. The weights must be those of 200 steps in
// Node.
//
//   node test/conformance/handover.mjs        also the last part of test/conformance/matrix.mjs

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage } from './browser.mjs';
import { ask } from './execute.mjs';
import { installBun, installChromium, installWorkerd } from './runtimes.mjs';
import { askWorkerd } from './workerd.mjs';

const SCRIPT = join(import.meta.dirname, 'handover-here.mjs');
const LEG = 50;
const onCommandLine = (command, request) =>
  ask([...command, SCRIPT], { input: JSON.stringify(request) });

const LEGS = [
  { runtime: 'Node', install: async () => [process.execPath], run: onCommandLine },
  { runtime: 'Bun', install: installBun, run: onCommandLine },
  {
    runtime: 'Chromium',
    install: installChromium,
    run: (program, request) =>
      openPage('chromium', program, 'test/conformance/handover.html', { given: request }),
  },
  { runtime: 'workerd', install: installWorkerd, run: askWorkerd },
];

/** { equal, weights, expected, legs: [{ runtime, steps, loss, weights }] }. Throws if a runtime
 *  cannot be installed or fails. */
export async function runHandover(log = () => undefined) {
  const programs = [];
  for (const { runtime, install } of LEGS) {
    try {
      programs.push(await install());
    } catch (error) {
      throw new Error(`${runtime}: ${error.message}`);
    }
  }
  const legs = [];
  let checkpoint;
  for (const [i, { runtime, run }] of LEGS.entries()) {
    const answer = await run(programs[i], { checkpoint, steps: LEG });
    if (answer.error !== undefined) throw new Error(`${runtime}: ${answer.error}`);
    ({ checkpoint } = answer);
    legs.push({
      runtime,
      steps: `${answer.step - LEG + 1} to ${answer.step}`,
      loss: answer.loss,
      checkpointBytes: checkpoint.length / 2,
      weights: answer.weights,
    });
    log(
      `steps ${legs.at(-1).steps} in ${runtime}: loss ${answer.loss.toFixed(6)}, weights ` +
        `${answer.weights.slice(0, 16)}`,
    );
  }
  const whole = await onCommandLine([process.execPath], { steps: LEG * LEGS.length });
  const { weights } = legs.at(-1);
  log(
    `steps 1 to ${whole.step} in Node alone: loss ${whole.loss.toFixed(6)}, weights ` +
      `${whole.weights.slice(0, 16)}`,
  );
  return {
    equal: weights === whole.weights && checkpoint === whole.checkpoint,
    weights,
    expected: whole.weights,
    legs,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { equal, weights, expected } = await runHandover(console.log);
    console.log(
      equal
        ? `equal: ${weights}, the whole checkpoint too`
        : `DIFFERENT: ${weights}, expected ${expected}, or another checkpoint`,
    );
    process.exitCode = equal ? 0 : 1;
  } catch (error) {
    console.error(`the handover did not run: ${error.message}`);
    process.exitCode = 1;
  }
}

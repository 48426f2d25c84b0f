// verify on the runtime that runs this file, any that has modules and prints: one line of JSON, {
// report, runtime } or { error }.

import './shell-prelude.js';
import { describeRuntime, verify } from '../../dist/verify.js';

const say =
  globalThis.console?.log !== undefined && globalThis.process !== undefined
    ? console.log
    : (globalThis.print ?? console.log);
const runtime = describeRuntime();
let answer;
try {
  answer = { report: verify(), runtime };
} catch (error) {
  answer = { error: `${error.name}: ${error.message}`, runtime };
}
say(JSON.stringify(answer));

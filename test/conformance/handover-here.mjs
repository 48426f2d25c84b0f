// A leg of the handover for runtimes with files and standard input: the request comes as JSON, so
// does the answer.

import { readFileSync } from 'node:fs';
import * as library from '../../dist/index.js';
import { handover } from './handover-steps.js';

console.log(JSON.stringify(await handover(library, JSON.parse(readFileSync(0, 'utf8')))));

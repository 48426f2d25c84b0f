// The second file of the package: what a worker thread runs. It imports the first.

import { runMember } from './index.ts';

runMember();

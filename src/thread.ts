// What a worker thread runs. It knows every model.

import { runMember } from './all.ts';

runMember();

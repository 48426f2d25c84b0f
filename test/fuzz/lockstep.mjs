// npm run fuzz:lockstep: test/fuzz/lockstep.ts.

import { runBundled } from './bundled.mjs';

await runBundled('lockstep');

// npm run fuzz:distributed: test/fuzz/distributed.ts.

import { runBundled } from './bundled.mjs';

await runBundled('distributed');

// npm run experiment -- NAME [options]: makes the runs behind a table or figure of docs/results.md.

import { pathToFileURL } from 'node:url';
import { bundleExperiments } from './bundle.mjs';

await import(pathToFileURL(await bundleExperiments()).href);

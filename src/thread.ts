// What the package's own worker threads run (dist/thread.js): the models that come with the
// library.

import { builtinModels } from './models/builtin.ts';
import { serve } from './train/serve.ts';

serve(builtinModels());

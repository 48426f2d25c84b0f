import { gpt, sgd } from '../../dist/index.js';
import { serve } from '../../dist/serve.js';
import { centredBy } from './centred.mjs';

serve(gpt, { centred: centredBy(sgd) });

import { iRevNet } from '../dist/index.js';
import { serve } from '../dist/serve.js';

serve(iRevNet);

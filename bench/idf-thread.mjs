import { idf } from '../dist/index.js';
import { serve } from '../dist/serve.js';

serve(idf);

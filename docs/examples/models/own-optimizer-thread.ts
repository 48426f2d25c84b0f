import { gpt } from 'retrograd';
import { serve } from 'retrograd/thread';
import { signum } from './own-optimizer.js';

serve(gpt, { signum });

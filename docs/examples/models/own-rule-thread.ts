import { gpt } from 'retrograd';
import { serve } from 'retrograd/thread';
import { midpoint } from './own-rule.js';

serve(gpt, { midpoint });

import { serve } from 'retrograd/thread';
import { classifier } from './digits.js';

serve(classifier);

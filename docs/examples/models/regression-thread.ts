import { serve } from 'retrograd/thread';
import { regression } from './regression.js';

serve(regression);

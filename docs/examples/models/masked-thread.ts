import { serve } from 'retrograd/thread';
import { masked } from './masked.js';

serve(masked);

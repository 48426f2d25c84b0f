import { serve } from 'retrograd/thread';
import { model } from './own-layer.js';

serve(model);

import { serve } from 'retrograd/thread';
import { convolutional } from './cnn.js';

serve(convolutional);

// One of the trainer's threads, which the worker starts: the model is all it has to know.
import { gpt } from 'retrograd';
import { serve } from 'retrograd/thread';

serve(gpt);

// What the library's threads run in a bundle.

import { gpt } from 'retrograd';
import { serve } from 'retrograd/thread';

serve(gpt);

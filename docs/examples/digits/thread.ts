// What the library's threads run in a bundle.

import { vit } from 'retrograd';
import { serve } from 'retrograd/thread';

serve(vit);

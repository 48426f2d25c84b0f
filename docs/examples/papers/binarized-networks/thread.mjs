// What a second thread runs.

import { adamw } from 'retrograd';
import { serve } from 'retrograd/thread';
import { clipped } from './model.mjs';
import { binarized, falling } from './networks.mjs';

serve(binarized, {
  'clipped adamw': (options) => clipped(adamw(options)),
  falling: ({ peak }) => falling(peak),
});

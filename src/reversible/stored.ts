// The plain residual x_{k+1} = x_k + h_k(x_k) with every block's activations stored: the standard transformer, and the yardstick
// of memory and time that the reversible rules are held against.

import type { UpdateRule } from './rule.ts';

export const storedRule: UpdateRule = { name: 'none', rebuilds: false, shift: 0, sigma: () => 0 };

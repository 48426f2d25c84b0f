// The tests that npm run mutate asks: those of what it changes.
import { mergeConfig } from 'vitest/config';
import config from '../test/vitest.config.mjs';

export default mergeConfig(
  { ...config, test: { ...config.test, include: [] } },
  {
    test: {
      include: [
        'test/{ops,optim,reversible,layers,loss}/**/*.test.ts',
        'test/verify/check-*.test.ts',
      ],
    },
  },
);

// How much of the state before comes back in: gamma = +-1/2, +-1/4, +-1/8, which costs 1, 2, 3 side bits an element.

import { CIFAR, CIFAR_SIZES, CIFAR_WORDS } from './cifar.ts';
import { imageExperiment } from './image-experiment.ts';
import { BDIA, IMAGE_METRICS, PLAIN, REVIEWS, accuracyChart, cell } from './shared.ts';

const EPOCHS = 10;

export const gamma = imageExperiment({
  name: 'gamma', title: 'CIFAR-10: the size of gamma', dataWords: CIFAR_WORDS,
  paper: 'Table 2 (0, +-0.25, +-0.5, +-0.6; without quantisation there); +-0.6 is no power of two and has no exact form here',
  paperSource: `${REVIEWS}; +-0.25 only as "between"`,
  sizes: `${CIFAR_SIZES} ${EPOCHS} epochs here.`, budget: `${EPOCHS} epochs, batch ${CIFAR.batch}`, reference: 'bdia',
  cells: [
    cell('plain', 'gamma 0 (plain)', PLAIN, '88.15 %'), cell('bdia', 'gamma +-1/2, 1 side bit', BDIA, '89.12 %'),
    cell('bdia-2', 'gamma +-1/4, 2 side bits', { ...BDIA, gammaShift: 2 }, 'between'), cell('bdia-3', 'gamma +-1/8, 3 side bits', { ...BDIA, gammaShift: 3 }),
  ],
  metrics: [...IMAGE_METRICS, { path: 'plan.bytes.sideBits', title: 'side bits, MB', as: 'megabytes' }],
  charts: [accuracyChart('gamma', 'CIFAR-10, 10,000 images: test accuracy, %')], bars: [],
}, { ...CIFAR, epochs: EPOCHS, points: EPOCHS });

// An optimizer that sees every parameter as a whole: descent, and then all have mean zero.

export const centredBy = (sgd) => () => ({
  ...sgd(),
  name: 'centred',
  options: {},
  unit: ({ size }) => size,
  update(run, part, info) {
    const clamped = sgd().update(run, part, info);
    if (part.n === 0) return clamped;
    const weights = run.view(part.master, part.n);
    const mean = Math.floor(weights.reduce((a, b) => a + b, 0) / part.n);
    weights.forEach((w, i) => {
      weights[i] = w - mean;
    });
    return clamped;
  },
});

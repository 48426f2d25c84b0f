// What an app with a training worker asks of Vite: workers as modules, and in development the
// headers that isolate the page, without which one thread trains. The host of dist sends them, too.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default {
  base: './',
  build: { target: 'es2022' },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
};

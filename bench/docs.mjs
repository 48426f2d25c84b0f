// Moved: docs/generate/docs.mjs, npm run docs.
import '../docs/generate/docs.mjs';

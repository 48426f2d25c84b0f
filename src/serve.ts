// retrograd/thread: for worker threads that run models of a user's own.

export { serve } from './index.ts';

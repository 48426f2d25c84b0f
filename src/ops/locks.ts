// The locks of a step: what threads add to in turn. A thread that meets a lock at a linear layer computes the gradient of the layer's input
// first (nn/linear.ts); two that meet elsewhere fall out of step by the length of the work, and then meet no more.
//
// A tied head adds to the token embedding, so both share a lock: one thread may be at its embeddings while another is at its head.

export const LOCK = { qkv: 0, projection: 1, up: 2, down: 3, embeddings: 4, norms: 5, patch: 6, query: 7, keyValue: 8, mix: 9 } as const;

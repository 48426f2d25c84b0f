// The locks of a step: what threads add to in turn. Two threads that meet at one lock fall out of step by the length of its work,
// and then meet no more.

export const LOCK = { qkv: 0, projection: 1, up: 2, down: 3, head: 4, embeddings: 5, norms: 6 } as const;
export const LOCKS = 7;

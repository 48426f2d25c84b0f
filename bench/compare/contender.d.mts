// Types of contender.mjs for the TypeScript contenders.
export function serve<Request>(handle: (request: Request) => unknown): Promise<void>;
export function answerOnce<Request>(handle: (request: Request) => unknown): Promise<void>;

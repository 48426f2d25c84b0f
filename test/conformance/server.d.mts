export function serve(
  given?: object,
): Promise<{ origin: string; posted: Promise<unknown>; close(): void }>;

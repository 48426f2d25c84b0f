/** Calls make(), which writes `file`, unless it is there and was made of these sources. */
export function makeOf(
  file: string,
  sources: readonly string[],
  make: () => unknown,
): Promise<void>;

/** Names of the entries beside the main one, in the order of package.json. */
export const ENTRIES: readonly string[];

export declare function removeLeftovers(folder: string, kept: ReadonlySet<string>): string[];

export const root: string;
export function run(command: string, args: readonly string[], options?: object): string;
export function npm(args: readonly string[], options?: object): string;
export function pack(folder: string): { tarball: string; files: string[] };
export function createProject(folder: string, tarball: string): string;
export function readmeExample(): { code: string; output: string };

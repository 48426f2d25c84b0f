export { run } from '../package/project.mjs';
export function examplesProject(folder: string): string;
export function compile(project: string, resolution: 'nodenext' | 'bundler'): string[];
export function installedProgram(name: string): string | undefined;
export function bundlePage(project: string): Promise<string>;

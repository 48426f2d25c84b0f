// Types of make-formats.mjs, which runs without a build.
export function renderFormats(): Promise<string>;

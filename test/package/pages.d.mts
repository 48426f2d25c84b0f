export function inBrowser(
  folder: string,
  path: string,
  options?: { host?: string; headers?: Record<string, string> },
): Promise<string>;

// A fresh project beside nothing: the package as npm packs it, installed into a new folder.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Runs a command to its end; throws with what it said if it fails. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 300_000,
    ...options,
  });
  if (status !== 0)
    throw new Error(
      (
        `${command} ${args.join(' ')}: exit ` +
        `${status}\n${error?.message ?? ''}${stdout}${stderr}`
      ).slice(0, 4000),
    );
  return stdout;
}

/** npm, by the copy that runs this process if there is one. */
export function npm(args, options) {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js')
    ? run(process.execPath, [script, ...args], options)
    : run('npm', args, { shell: process.platform === 'win32', ...options });
}

/** Packs into `folder`; returns the tarball's path and its files. */
export function pack(folder) {
  mkdirSync(folder, { recursive: true });
  const [{ filename, files }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root }),
  );
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

/** A new project in `folder` with the tarball installed; nothing is fetched. */
export function createProject(folder, tarball) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "fresh", "private": true, "type": "module" }\n',
  );
  npm(['install', tarball, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
  });
  return folder;
}

/** The README's example and what it prints. */
export function readmeExample() {
  const blocks = [
    ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm),
  ].map(([, language, text]) => ({ language, text }));
  const at = blocks.findIndex(({ language }) => language === 'js');
  return { code: blocks[at].text, output: blocks[at + 1].text };
}

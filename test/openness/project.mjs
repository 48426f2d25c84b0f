// The examples of docs/examples/models in a fresh project beside nothing but the packed package,
// type-checked strictly and compiled.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';
import { createProject, pack, root, run } from '../package/project.mjs';

export { run };

const STRICT = {
  strict: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  types: ['node'],
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
};

export const RESOLUTIONS = {
  nodenext: {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
};

/** Packs dist as it is and lays the examples beside it. Returns the project's folder. */
export function examplesProject(folder) {
  const project = createProject(join(folder, 'project'), pack(folder).tarball);
  cpSync(join(root, 'docs/examples/models'), project, {
    recursive: true,
    filter: (path) => !/package\.json$|node_modules|build$/.test(path),
  });
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name), 'dir');
  return project;
}

/** Compiles the examples into `build`; returns what the compiler has to say. */
export function compile(project, resolution) {
  const files = readdirSync(project).filter((file) => file.endsWith('.ts'));
  const options = { ...STRICT, ...RESOLUTIONS[resolution], outDir: join(project, 'build') };
  const program = ts.createProgram(
    files.map((file) => join(project, file)),
    options,
  );
  const said = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  program.emit();
  cpSync(join(import.meta.dirname, 'promises.mjs'), join(project, 'build/promises.mjs'));
  return said;
}

/** A runtime's program where `npm run conformance` or `npm run embed` has put it, or on PATH, if it
 *  starts: what npm installs without scripts may not. */
export function installedProgram(name) {
  const places = [
    join(root, 'build/embed/project/node_modules/.bin'),
    join(root, `build/conformance/npm-${name}/node_modules/.bin`),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const starts = (path) => existsSync(path) && spawnSync(path, ['--version']).status === 0;
  return places.map((place) => join(place, name)).find(starts);
}

const PAGE = `
import { all } from './promises.mjs';
const told = await all().catch((error) => ({ found: String(error) }));
const text = JSON.stringify(told);
fetch('/told', { method: 'POST', body: text });
`;

/** Bundles what `compile` left for a page, by esbuild; returns the page's folder. */
export async function bundlePage(project) {
  const folder = join(project, 'build');
  const page = join(project, 'page');
  writeFileSync(join(folder, 'page.js'), PAGE);
  const threads = readdirSync(folder).filter((file) => file.endsWith('-thread.js'));
  const entryPoints = ['page.js', ...threads].map((file) => join(folder, file));
  await build({ entryPoints, outdir: page, bundle: true, splitting: true, format: 'esm' });
  cpSync(join(project, 'node_modules/retrograd/dist/thread.js'), join(page, 'thread.js'));
  const html = '<!doctype html><script type=module src=page.js></script>';
  writeFileSync(join(page, 'index.html'), html);
  return page;
}

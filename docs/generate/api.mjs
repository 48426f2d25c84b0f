// npm run api: the reference of the public names, one page an entry, from their docstrings
// (TypeDoc, typedoc-plugin-markdown).
//
//   node docs/generate/api.mjs [FOLDER]    writes the pages into FOLDER (docs/api)

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Converter, ReflectionKind, TSConfigReader } from 'typedoc';
import { ENTRIES as OTHERS } from '../../.ci/entries.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What an entry's first comment says of it. */
const firstComment = (file) =>
  /^(?:\/\/.*\n)+/
    .exec(readFileSync(join(ROOT, file), 'utf8'))[0]
    .replace(/^\/\/ ?/gm, '')
    .trim();

/** Entry of the sources, TypeDoc's name for it, the page, what it says first. */
const ENTRIES = [
  {
    file: 'src/index.ts',
    module: 'index',
    page: 'retrograd.md',
    head: `# retrograd

Every name of the entry, from its docstring. What is not here is not public. Examples leave out
their imports; each runs as it stands, and a test holds what it prints against its comments. Errors
are RetrogradError or one of its four subclasses; their messages say what was given and what is
expected. The entry retrograd/thread has \`serve\` alone. Of the others each has a page of its own:
${OTHERS.map((name) => `[retrograd/${name}](${name}.md)`).join(', ')}.
`,
  },
  ...OTHERS.map((name) => ({
    file: `src/${name}/index.ts`,
    module: name,
    page: `${name}.md`,
    head: `# retrograd/${name}

${firstComment(`src/${name}/index.ts`)} Names of [retrograd](retrograd.md) have a page of their own.
`,
  })),
];
const OPTIONS = {
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: ENTRIES.map(({ file }) => file),
  readme: 'none',
  name: 'retrograd',
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  excludeReferences: true,
  disableSources: true,
  hideGenerator: true,
  githubPages: false,
  logLevel: 'Warn',
  skipErrorChecking: true, // npm test checks the types
  sort: ['source-order'],
  groupOrder: ['Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables'],
  validation: { notExported: false },
  router: 'module',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hidePageTitle: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
};

/** Docstrings continue with two spaces after the star, as their first line begins after two stars;
 *  TypeDoc takes one away. */
function straighten(comment) {
  for (const part of [comment.summary, ...comment.blockTags.map(({ content }) => content)].flat())
    part.text = part.text.replaceAll('\n ', '\n');
}

/** A parameter that is taken apart has no name in the source: its type's, in lower case, will do.
 */
function nameParameter(parameter) {
  if (parameter.name === '__namedParameters')
    parameter.name = parameter.type.name?.replace(/^./, (c) => c.toLowerCase()) ?? 'given';
}

/** What a reader does not need here: what error classes inherit, and the kernels' methods, which
 *  have docs/conformance.md. */
function leaveOut(project) {
  for (const one of project.getReflectionsByKind(ReflectionKind.Class | ReflectionKind.Interface))
    for (const child of [...(one.children ?? [])])
      if (
        one.name === 'Kernels' ||
        child.inheritedFrom !== undefined ||
        (child.overwrites !== undefined && child.kind !== ReflectionKind.Constructor)
      )
        project.removeReflection(child);
}

/** TypeDoc's Markdown of each entry. */
async function pages() {
  const out = mkdtempSync(join(tmpdir(), 'retrograd-api-'));
  try {
    const tsconfig = join(out, 'tsconfig.json');
    const absolute = (path) => join(process.cwd(), path); // only what the entries import: faster
    writeFileSync(
      tsconfig,
      JSON.stringify({
        extends: absolute('tsconfig.json'),
        include: [],
        files: [...ENTRIES.map(({ file }) => file), 'src/kernels/wasm-files.d.ts'].map(absolute),
        compilerOptions: { typeRoots: [absolute('node_modules/@types')] },
      }),
    );
    const app = await Application.bootstrapWithPlugins(
      { ...OPTIONS, tsconfig, out: join(out, 'pages') },
      [new TSConfigReader()],
    );
    app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
      for (const one of Object.values(project.reflections)) {
        if (one.comment !== undefined) straighten(one.comment);
        if (one.kind === ReflectionKind.Parameter) nameParameter(one);
      }
    });
    app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => leaveOut(project));
    const project = await app.convert();
    if (project === undefined) throw new Error('TypeDoc cannot read the sources');
    app.validate(project);
    await app.generateOutputs(project);
    if (app.logger.hasErrors() || app.logger.hasWarnings())
      throw new Error('TypeDoc has warnings, see above');
    return ENTRIES.map((entry) => {
      const module = project.children.find(({ name }) => name === entry.module);
      const own = module.children.filter(({ kind }) => kind !== ReflectionKind.Reference);
      const file = readdirSync(join(out, 'pages')).find(
        (name) =>
          new RegExp(`^${entry.module}(-1)?\\.md$`).test(name) &&
          !readFileSync(join(out, 'pages', name), 'utf8').startsWith('## Modules'),
      );
      const text = readFileSync(join(out, 'pages', file), 'utf8');
      return { ...entry, names: own.map(({ name }) => name), text, written: file };
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The anchor that a heading gets. */
const anchor = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

/** A page: links to it and to the other one, no anchors that nothing links to. */
function pageOf({ head, names, text, page }, entries) {
  const index = names.sort((a, b) => a.localeCompare(b, 'en')).map(link);
  let body = text.trim();
  for (const other of entries)
    body = body.replaceAll(`](${other.written}#`, other.page === page ? '](#' : `](${other.page}#`);
  body = body
    .replace(/#abstract-/g, '#')
    .replace(/^### `abstract` /gm, '### ')
    .replace(/<a id="[^"]*"><\/a> /g, '')
    .replace(/^\*\*\*\n\n/gm, '')
    .replaceAll('| `undefined` |', '| - |')
    .replace(/[ \t]+$/gm, '');
  return `${head}\n${index.join(', ')}.\n\n${body}\n`;
}

/** A name in the index. GitHub keeps the underscores of a heading's anchor, other renderers do not:
 *  such a name is left without a link. */
const link = (name) => (name.includes('_') ? name : `[${name}](#${anchor(name)})`);

const target = resolve(process.argv[2] ?? fileURLToPath(new URL('../api', import.meta.url)));
process.chdir(ROOT);
const entries = await pages();
mkdirSync(target, { recursive: true });
for (const entry of entries) {
  writeFileSync(join(target, entry.page), pageOf(entry, entries));
  console.log(`${entry.page}: ${entry.names.length} names`);
}

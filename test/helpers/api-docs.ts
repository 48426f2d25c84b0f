// The public names of the package with their docstrings and examples, read by the TypeScript
// compiler from the entries.

import { join } from 'node:path';
import ts from 'typescript';
import { ENTRIES as OTHERS } from '../../.ci/entries.mjs';

const root = join(import.meta.dirname, '../..');
/** Entry of the sources, name of the package's entry. What an entry takes over unchanged from one
 *  before it counts as that one's. */
const ENTRIES: Readonly<Record<string, string>> = {
  'src/index.ts': 'retrograd',
  'src/serve.ts': 'retrograd/thread',
  ...Object.fromEntries(OTHERS.map((name) => [`src/${name}/index.ts`, `retrograd/${name}`])),
};

export interface Documented {
  readonly name: string;
  readonly doc: string;
  readonly examples: readonly string[];
  /** Can be called as a method or a static one. */
  readonly isMethod: boolean;
}

export interface PublicName extends Documented {
  readonly entry: string;
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'constant';
  /** Has a value at run time: can be imported by an example. */
  readonly isValue: boolean;
  /** Exported for another file of the package, not for its users. */
  readonly isInternal: boolean;
  /** Public members of classes and interfaces. */
  readonly members: readonly Documented[];
}

/** The lines of an example without the docstring's indentation. */
function dedent(text: string): string {
  const lines = text
    .split('\n')
    .filter((line, i, all) => line.trim() !== '' || (i > 0 && i < all.length - 1));
  const indent = Math.min(
    ...lines.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)![0].length),
  );
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .trimEnd();
}

export function publicNames(): PublicName[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(
    [
      ...Object.keys(ENTRIES).map((file) => join(root, file)),
      join(root, 'src/kernels/wasm-files.d.ts'),
    ],
    options,
  );
  const checker = program.getTypeChecker();

  const documented = (symbol: ts.Symbol): Documented => ({
    name: symbol.name,
    doc: ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim(),
    examples: symbol
      .getJsDocTags(checker)
      .filter((tag) => tag.name === 'example')
      .map((tag) => dedent(ts.displayPartsToString(tag.text))),
    isMethod: (symbol.flags & ts.SymbolFlags.Method) !== 0,
  });
  const isPublic = (member: ts.Symbol): boolean =>
    (member.declarations ?? []).every(
      (one) =>
        !ts.isTypeParameterDeclaration(one) &&
        !ts.getJSDocTags(one).some(({ tagName }) => tagName.text === 'internal') &&
        !(
          ts.getCombinedModifierFlags(one) &
          (ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Override)
        ) &&
        !ts.isConstructorDeclaration(one) &&
        !ts.isPrivateIdentifier((one as ts.MethodDeclaration).name ?? one),
    );
  const kindOf = (symbol: ts.Symbol): PublicName['kind'] => {
    if (symbol.flags & ts.SymbolFlags.Function) return 'function';
    if (symbol.flags & ts.SymbolFlags.Class) return 'class';
    if (symbol.flags & ts.SymbolFlags.Interface) return 'interface';
    if (symbol.flags & ts.SymbolFlags.TypeAlias) return 'type';
    return checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0 ? 'function' : 'constant';
  };

  const seen = new Set<ts.Symbol>();
  return Object.entries(ENTRIES).flatMap(([file, entry]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, file))!)!;
    const own = checker
      .getExportsOfModule(module)
      .map((exported) => ({
        exported,
        symbol:
          exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported,
      }))
      .filter(({ symbol }) => !seen.has(symbol) && seen.add(symbol));
    return own.map(({ exported, symbol }): PublicName => {
      const kind = kindOf(symbol);
      const members = [
        ...(symbol.members?.values() ?? []),
        ...(kind === 'class' ? (symbol.exports?.values() ?? []) : []),
      ].filter((member) => member.name !== 'prototype' && isPublic(member));
      return {
        ...documented(symbol),
        name: exported.name,
        entry,
        kind,
        isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0,
        isInternal: symbol.getJsDocTags(checker).some((tag) => tag.name === 'internal'),
        members: kind === 'class' || kind === 'interface' ? members.map(documented) : [],
      };
    });
  });
}

// The kernels' contract as docs/conformance.md has it: notation, sections, a signature and a
// docstring for each kernel.

import { fenced } from './markdown.mjs';
import { read } from './source.mjs';

/** The comment at the head of the contract from "Notation:" on. */
export function notation(text) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('// Notation:'));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('//'));
  return lines
    .slice(start, end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n');
}

/** Signatures of several lines as one line each. */
const joined = (text) =>
  text.replace(/^( {2}\w+\()\n((?: {4}.*,\n)+) {2}\)/gm, (_, head, parameters) => {
    const list = parameters.trim().replace(/,$/, '').split(/,\n */);
    return `${head}${list.join(', ')})`;
  });

/** The lines of a kernel's docstring as text. */
function docText(name, doc) {
  if (doc === undefined) throw new Error(`${name} has no docstring`);
  return doc
    .map((one) => one.replace(/^ {2} {0,1}(\/\*\*|\*) {0,2}/, '').replace(/ ?\*\/$/, ''))
    .join('\n');
}

/** The contract's sections: [{ title, shared, kernels: [{ name, parameters, result, doc }] }]; doc
 *  and shared as lines of text. */
export function sections(contract) {
  const text = joined(contract);
  const body = text
    .slice(text.indexOf('export interface Kernels {'), text.indexOf('/** A back end'))
    .split('\n');
  const found = [];
  let doc;
  for (const line of body) {
    const [, title] = /^ {2}\/\/ -{4} ([^:\n]+): /.exec(line) ?? [];
    const [, shared] = /^ {2}\/\/ ?(.*)$/.exec(line) ?? [];
    const [, name, parameters, result] = /^ {2}(\w+)\((.*)\): (\w+);$/.exec(line) ?? [];
    if (title !== undefined)
      found.push({ title: title[0].toUpperCase() + title.slice(1), shared: [], kernels: [] });
    else if (doc !== undefined && name === undefined) doc.push(line);
    else if (name !== undefined) {
      found.at(-1).kernels.push({ name, parameters, result, doc: docText(name, doc) });
      doc = undefined;
    } else if (shared !== undefined) found.at(-1).shared.push(shared);
    if (/^ {2}\/\*\*/.test(line)) doc = [line];
  }
  return found;
}

/** "a: Pointer, n: number" → "a*, n": pointers with a star. */
const parametersOf = (text) =>
  text
    .split(', ')
    .map((one) => one.split(': '))
    .map(([name, type]) => (type === 'Pointer' ? `*${name}` : name))
    .join(', ');

/** The contract as Markdown, with what certifies each kernel. */
export function contractText(golden) {
  return sections(read('src/kernels/kernels.ts'))
    .map(({ title, shared, kernels }) =>
      [
        `### ${title}`,
        '',
        ...(shared.length > 0 ? [fenced(shared.join('\n')), ''] : []),
        ...kernels.flatMap(({ name, parameters, result, doc }) => [
          `#### ${name}`,
          '',
          fenced(
            `${name}(${parametersOf(parameters)})` +
              `${result === 'void' ? '' : ' -> number'}\n\n${doc}`,
          ),
          '',
          `Certified by ${golden.kernels[name].cases.length} cases: ` +
            `\`${golden.kernels[name].digest}\``,
          '',
        ]),
      ].join('\n'),
    )
    .join('\n')
    .trimEnd();
}

// The licences of the packages whose code is in the bundles, as esbuild's metafiles tell.

import { readdirSync, readFileSync } from 'node:fs';

/** Where the text is that a package of the same project does not bring along. */
const TEXT_OF = { '@assemblyscript/loader': 'assemblyscript' };

/** Names of the packages of which at least a byte is in an output. */
function packagesIn(metafiles) {
  const outputs = metafiles.flatMap((one) => Object.values(one.outputs));
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs));
  const paths = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const names = paths.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}

/** A package's licence and notices. Throws if there are none: then nothing of it may be bundled. */
function licenseText(name) {
  const folder = `node_modules/${TEXT_OF[name] ?? name}`;
  const files = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file))
    .sort();
  if (files.length === 0) throw new Error(`${folder} has no file of its licence, but is bundled`);
  return files.map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim()).join('\n\n');
}

/** The text of THIRD-PARTY-LICENSES. */
export function thirdPartyLicenses(metafiles) {
  const parts = packagesIn(metafiles).map((name) => {
    const { version, license } = JSON.parse(
      readFileSync(`node_modules/${name}/package.json`, 'utf8'),
    );
    return `${name} ${version} (${license})\n\n${licenseText(name)}\n`;
  });
  return ['Parts of these packages are in the files beside this one.\n', ...parts].join(
    `\n${'-'.repeat(80)}\n\n`,
  );
}

// node .ci/changelog.mjs v1.2.3: whether a version may be released: the tag, package.json and the
// lock file name the same one, and CHANGELOG.md begins with it, dated.

import { readFileSync } from 'node:fs';

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const { version } = JSON.parse(read('package.json'));
const lock = JSON.parse(read('package-lock.json'));
const [, heading = ''] = /^## (.+)$/m.exec(read('CHANGELOG.md')) ?? [];
const dated = new RegExp(`^${version.replaceAll('.', '\\.')} - \\d{4}-\\d\\d-\\d\\d$`);

const wrong = [];
if (process.argv[2] !== `v${version}`)
  wrong.push(`the tag is ${process.argv[2]}, package.json has version ${version}`);
if (lock.version !== version) wrong.push(`package-lock.json has version ${lock.version}`);
if (!dated.test(heading))
  wrong.push(`CHANGELOG.md begins with "${heading}", expected "${version} - " and a date`);
for (const line of wrong) console.error(line);
if (wrong.length > 0) process.exitCode = 1;

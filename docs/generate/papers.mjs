// The table of docs/papers.md: each system's own rows from what its runs left in
// bench/results/papers.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { kept } from '../examples/papers/run.mjs';
import { code, environment, table } from './markdown.mjs';

const FOLDER = 'docs/examples/papers';
/** The systems in the order of their papers: folder -> title. */
const SYSTEMS = {
  'binarized-networks': 'Binarized Neural Networks (Courbariaux et al. 2016)',
  blrnet: 'BLRNet, probabilistic binary networks (Peters, Welling 2018)',
  hexaconv: 'HexaConv (Hoogeboom et al. 2018)',
  'bir-vae': 'BIR-VAE (Braithwaite, Kleijn 2018)',
  autoshufflenet: 'AutoShuffleNet (Lyu et al. 2019)',
  aon: 'AON, approximated orthonormal normalisation (Zhang et al. 2019)',
  'dataflow-quantization': 'Dataflow-based joint quantization (Geng et al. 2019)',
  vcae: 'VCAE (Braithwaite et al. 2019)',
  'lipschitz-splines': 'Lipschitz splines (Bohra et al. 2020)',
  'latent-surprise': 'Latent surprise: likelihood of hidden representations',
  'online-lipschitz': 'Online learning with Lipschitz networks',
  'self-normalizing-flows': 'Self Normalizing Flows (Keller et al. 2021)',
};

const read = (name, file) => readFileSync(join(ROOT, FOLDER, name, file), 'utf8');

/** A system's rows: what was shown, bar, measured. */
async function rowsOf(name) {
  const title = SYSTEMS[name];
  if (!existsSync(join(ROOT, FOLDER, name, 'table.mjs'))) return [[title, 'not run', '', '', '']];
  const link = `[${title}](examples/papers/${name}/README.md)`;
  const digest = code(JSON.parse(read(name, 'golden.json')).digest.slice(0, 16));
  const { seeds } = kept(name);
  if (seeds.length === 0) return [[link, 'not run', '', '', digest]];
  const { rows } = await import(`../examples/papers/${name}/table.mjs`);
  return rows(seeds).map(({ shown, bar, measured, isReached }, i) => [
    i === 0 ? link : '',
    shown,
    bar,
    isReached ? measured : `**not reached**: ${measured}`,
    i === 0 ? digest : '',
  ]);
}

/** How often and where a system was run. */
function runOf(name) {
  const { seeds } = kept(name);
  if (seeds.length === 0) return [];
  const minutes = seeds.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  const environments = new Set(seeds.map(({ stamp }) => environment(stamp)));
  const runs = `${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}`;
  return [`- ${name}: ${runs}, ${minutes.toFixed(1)} minutes; ${[...environments].join('; ')}.`];
}

/** What a system shows beside its rows, as text (the `picture` of its table). */
async function pictureOf(name) {
  if (!existsSync(join(ROOT, FOLDER, name, 'table.mjs'))) return [];
  const { picture } = await import(`../examples/papers/${name}/table.mjs`);
  const text = picture?.(kept(name).seeds) ?? '';
  return text === '' ? [] : [`Drawn by ${name}:\n\n\`\`\`text\n${text}\n\`\`\``];
}

export async function papers() {
  const names = Object.keys(SYSTEMS);
  const rows = await Promise.all(names.map(rowsOf));
  const head = ['system', 'shown', 'bar', 'measured', 'digest of a short run'];
  const pictures = await Promise.all(names.map(pictureOf));
  const parts = [table(head, rows.flat()), names.flatMap(runOf).join('\n'), ...pictures.flat()];
  return parts.join('\n\n').trim();
}

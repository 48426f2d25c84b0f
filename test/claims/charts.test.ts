// The charts of README and docs can be read on light and on dark pages, and by those who cannot
// see them: colours by their contrast (WCAG 2.2, 1.4.3), a title, a description and an alternative
// text for each.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { GROUND, PALETTE, svg, text } = await import(
  pathToFileURL(join(root, 'docs/generate/svg.mjs')).href
);
const docs = join(root, 'docs');
const charts = readdirSync(docs).filter((name) => name.endsWith('.svg'));
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');

/** Relative luminance of #rrggbb. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test('black on white has a contrast of 21, grey on itself of 1', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 10);
  expect(contrast('#777777', '#777777')).toBe(1);
});

test.each(Object.entries<[string, string]>(PALETTE))(
  '%s has a contrast of 4.5 or more to both grounds',
  (_, colors) => {
    for (const [i, color] of colors.entries())
      expect(contrast(color, GROUND[i])).toBeGreaterThanOrEqual(4.5);
  },
);

describe.each(charts)('%s', (name) => {
  const chart = read(name);
  test('says what it is and what it shows, to those who cannot see it too', () => {
    expect(chart).toMatch(/^<svg [^>]*role="img" aria-labelledby="title desc">/);
    expect(/<title id="title">(.+)<\/title>/.exec(chart)?.[1].length).toBeGreaterThan(10);
    expect(/<desc id="desc">(.+)<\/desc>/.exec(chart)?.[1].length).toBeGreaterThan(40);
  });

  test('has colours of the palette alone, each for light and for dark pages', () => {
    const body = chart.slice(chart.indexOf('</style>'));
    const used = new Set([...body.matchAll(/class="([\w-]+)"/g)].map(([, one]) => one));
    const [light, dark] = chart.split('@media (prefers-color-scheme:dark)');
    for (const one of used) {
      expect(light).toContain(`.${one}{`);
      expect(dark).toContain(`.${one}{`);
    }
    expect(used.size).toBeGreaterThan(3);
    expect(body).not.toMatch(/#[0-9a-f]{3,6}|https?:/);
  });

  test('has an alternative text wherever it is shown', () => {
    const pages = [
      join(root, 'README.md'),
      ...readdirSync(docs)
        .filter((file) => file.endsWith('.md'))
        .map((file) => join(docs, file)),
    ];
    const shown = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/!\[(.*)\]\((?:docs\/)?([\w-]+\.svg)\)/g)]
        .filter(([, , file]) => file === name)
        .map(([, alternative]) => alternative),
    );
    expect(shown.length).toBeGreaterThan(0);
    for (const alternative of shown) expect(alternative.length).toBeGreaterThan(20);
  });
});

test('markup in a title stays text', () => {
  const made: string = svg({ title: 'a < b', description: 'a & b', width: 1, height: 1 }, [
    text(0, 0, 'x'),
  ]);
  expect(made).toContain('<title id="title">a &#60; b</title>');
  expect(made).toContain('a &#38; b');
});

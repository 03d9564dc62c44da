import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

it('links in the documents lead somewhere', async () => {
  const inDocs = await readdir(join(root, 'docs'), { recursive: true });
  const pages = ['README.md', 'CHANGELOG.md', 'benchmarks/README.md', ...inDocs.map((name) => join('docs', name))]
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, name));
  const dead: string[] = [];
  for (const page of pages) {
    for (const [, link = ''] of (await readFile(page, 'utf8')).matchAll(/\]\(([^)]+)\)/g)) {
      if (!link.includes('://') && !(await leadsSomewhere(page, link))) dead.push(`${relative(root, page)}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
});

async function leadsSomewhere(page: string, link: string): Promise<boolean> {
  const [path, anchor] = link.split('#');
  const target = path ? join(dirname(page), path) : page;
  const there = await stat(target).catch(() => null); // a link to nothing
  if (!there || anchor === undefined) return there !== null;
  const headings = (await readFile(target, 'utf8')).matchAll(/^#+ (.*)$/gm);
  return [...headings].some(([, heading = '']) => slug(heading) === anchor);
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

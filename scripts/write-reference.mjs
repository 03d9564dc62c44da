// npm run docs: writes docs/reference. With --check it writes nothing, and fails when something there is out of date.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { referenceFiles } from './reference/files.mjs';

const folder = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const check = process.argv.includes('--check');
const files = await referenceFiles();
await mkdir(folder, { recursive: true });
const stale = [];
for (const name of new Set([...Object.keys(files), ...(await readdir(folder))])) {
  const before = await readFile(`${folder}${name}`, 'utf8').catch(() => undefined);
  if (before === files[name]) continue;
  stale.push(name);
  if (check) continue;
  await (files[name] === undefined ? rm(`${folder}${name}`) : writeFile(`${folder}${name}`, files[name]));
}
const list = stale.map((name) => `docs/reference/${name}`).join(', ');
if (stale.length === 0) console.log('docs/reference is up to date');
else if (!check) console.log(`written: ${list}`);
else {
  console.error(`out of date: ${list}; npm run docs writes them`);
  process.exitCode = 1;
}

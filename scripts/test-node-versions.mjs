/**
 * Runs the test suite on the other supported Node versions, from npm's packages of Node binaries.
 * usage: npm run test:node-versions [-- 22 24]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const platform = { win32: 'win' }[process.platform] ?? process.platform;
const binaryPackage = `node-${platform}-${process.arch}`;
const majors = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];

const failed = [];
for (const major of majors) {
  const node = nodeBinary(major);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\n=== Node ${version}`);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  for (const args of [['scripts/describe-environment.mjs'], ['node_modules/vitest/vitest.mjs', 'run']]) {
    const { status } = spawnSync(node, args, { cwd: root, env, stdio: 'inherit' });
    if (status !== 0) failed.push(`Node ${version}: ${args.join(' ')}`);
  }
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join('; ')}`);
  process.exit(1);
}

/** The binary of a major version, installed once into the user's cache. */
function nodeBinary(major) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'elbo', `node-${major}`);
  const binary = join(cache, 'node_modules', binaryPackage, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(cache, { recursive: true });
    console.log(`installing ${binaryPackage}@${major} into ${cache}`);
    execFileSync('npm', ['install', '--prefix', cache, '--no-save', '--ignore-scripts', `${binaryPackage}@${major}`], {
      stdio: 'inherit',
    });
  }
  return binary;
}

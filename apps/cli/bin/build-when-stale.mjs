import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, isBuilt, markBuilt, root } from './build-state.mjs';

const lock = join(root, 'node_modules', '.elbo-build');
const patienceMs = 10 * 60_000;

/**
 * Runs the root's build script unless the last build was of the sources as they are now. Everything it says goes to
 * standard error: standard output belongs to the program. A folder without sources (an image, a package) is as it is.
 */
export async function buildWhenStale() {
  if (isBuilt()) return;
  await withLock(() => {
    // Whoever held the lock may have built it.
    const sources = fingerprint();
    if (!isBuilt(sources)) build(sources);
  });
}

function build(sources) {
  if (!existsSync(join(root, 'node_modules', 'typescript'))) {
    fail(`the dependencies are not installed. Run \`npm ci\` in ${root} first`);
  }
  process.stderr.write('elbo: building the project, once (under a minute)\n');
  const began = Date.now();
  // npm's own script when npx or npm started us; on Windows `npm` is a .cmd file, which needs a shell.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? { command: process.execPath, first: [process.env.npm_execpath], shell: false }
    : { command: 'npm', first: [], shell: process.platform === 'win32' };
  const { status, error, stdout, stderr } = spawnSync(npm.command, [...npm.first, 'run', '--silent', 'build'], {
    cwd: root,
    shell: npm.shell,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8',
  });
  if (error) fail(`npm could not be started (${error.message}). Run \`npm run build\` in ${root} by hand`);
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}`);
    fail('the build failed; its output is above. `npm ci` mends a broken installation; `npm run build` tries again');
  }
  markBuilt(sources);
  process.stderr.write(`elbo: built in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}

/** One build at a time: several commands may be the first at once. A folder is made whole or not at all. */
async function withLock(work) {
  const deadline = Date.now() + patienceMs;
  let told = false;
  while (!takeLock()) {
    if (!told) process.stderr.write('elbo: another elbo is building the project; waiting for it\n');
    told = true;
    if (Date.now() > deadline) fail(`still waiting for another build. If none is running, remove ${lock}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // process.exit inside `work` skips finally.
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  work();
  process.removeListener('exit', release);
  release();
}

function takeLock() {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (error.code !== 'EEXIST') fail(`${lock} cannot be made (${error.message}); the build needs to write there`);
    removeAbandonedLock();
    return false;
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  return true;
}

function removeAbandonedLock() {
  let pid;
  try {
    pid = Number(readFileSync(join(lock, 'pid'), 'utf8'));
    if (pid > 0) process.kill(pid, 0);
  } catch (error) {
    // ENOENT: its owner is between making the folder and writing its number. ESRCH: there is no such process.
    if (error.code === 'ESRCH') rmSync(lock, { recursive: true, force: true });
  }
}

function fail(message) {
  process.stderr.write(`elbo: ${message}\n`);
  process.exit(1);
}

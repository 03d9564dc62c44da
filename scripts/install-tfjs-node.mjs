// Installs the native library of the engine tfjs-node (@tensorflow/tfjs-node, which npm ci puts in place without it).
//
//   npm run install:tfjs-node [-- --force]
//
// 1. libtensorflow: the package's own download where its server answers; else the two libraries inside PyPI's
//    tensorflow-cpu wheel, which is unpacked and never installed, and whose C API is the same.
// 2. The addon, compiled here by the package's own install script, after one fix to its source: a set that all threads
//    of the process write to gets a lock. Without it, engines in several worker threads crash now and then.
// Both are kept in a cache outside node_modules, about 430 MB: ${XDG_CACHE_HOME:-~/.cache}/elbo/tfjs-node. A second
// checkout, or npm ci, costs a second. Linux x86-64 only. Nothing runs or downloads unless you type this command.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fetchLibtensorflow, run, tensorflowVersion } from './install-tfjs-node.libtensorflow.mjs';

const patchVersion = 1;
const probeMilliseconds = 4000;

const force = process.argv.includes('--force');
const root = path.resolve(import.meta.dirname, '..');
const packageFolder = findPackage();
const addonSource = path.join(packageFolder, 'binding', 'tfjs_backend.cc');
const version = JSON.parse(fs.readFileSync(path.join(packageFolder, 'package.json'), 'utf8')).version;
const cacheHome = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
const cache = path.join(cacheHome, 'elbo', 'tfjs-node', `${version}-patch${patchVersion}`);
const cachedDeps = path.join(cache, 'deps');
const cachedLib = path.join(cache, 'lib');
/** What the last check printed: libtensorflow's version, or why it failed. */
let lastCheck = '';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail(
    `this script knows Linux x86-64, and this is ${process.platform} ${process.arch}. ` +
      "Try the package's own install: npm rebuild @tensorflow/tfjs-node --ignore-scripts=false",
  );
}
if (force) fs.rmSync(cache, { recursive: true, force: true });
if (!force && isPatched() && works()) done('already installed');
if (fs.existsSync(cachedDeps) && fs.existsSync(cachedLib)) {
  say(`taking the library and the addon from ${cache}`);
  patchAddon();
  putInPlace();
  if (works()) done('installed from the cache');
  say('what the cache holds does not run here: building anew');
  fs.rmSync(cache, { recursive: true, force: true });
}

try {
  requireTools();
  patchAddon();
  if (!(await installOrdinarily())) {
    fetchFromWheel();
    compile();
  }
} catch (error) {
  fail(error.message);
}
if (!works()) fail('the addon was built and does not run', lastCheck);
done('installed');

function findPackage() {
  try {
    return path.dirname(
      createRequire(path.join(root, 'packages/vae-core/package.json')).resolve('@tensorflow/tfjs-node/package.json'),
    );
  } catch {
    return fail('@tensorflow/tfjs-node is not in node_modules: run npm ci first');
  }
}

/** Does it compute? In a process of its own: a broken library would take this one with it. */
function works() {
  if (!builtAddon()) return false;
  const program = `
    const util = require('util'); // Node 23 removed two functions that the package calls
    util.isNullOrUndefined ??= (value) => value == null; util.isArray ??= Array.isArray;
    const tf = require(${JSON.stringify(packageFolder)});
    const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync();
    if (tf.getBackend() !== 'tensorflow' || !product.every((value) => value === 3)) process.exit(1);
    console.log(tf.backend().binding.TF_Version);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
  lastCheck = status === 0 ? stdout.trim() : stderr;
  return status === 0;
}

function builtAddon() {
  const lib = path.join(packageFolder, 'lib');
  if (!fs.existsSync(lib)) return undefined;
  return fs.readdirSync(lib).find((folder) => fs.existsSync(path.join(lib, folder, 'tfjs_binding.node')));
}

function putInPlace() {
  const deps = path.join(packageFolder, 'deps');
  fs.rmSync(deps, { recursive: true, force: true });
  fs.symlinkSync(cachedDeps, deps);
  if (fs.existsSync(cachedLib)) fs.cpSync(cachedLib, path.join(packageFolder, 'lib'), { recursive: true });
}

function requireTools() {
  const missing = ['g++', 'make', 'python3', 'strip'].filter((tool) => !runs(tool, ['--version']));
  if (runs('python3', ['--version']) && !runs('python3', ['-m', 'pip', '--version'])) missing.push('pip');
  if (missing.length === 0) return;
  const packages = ['g++', 'make', 'python3', 'python3-pip'];
  if (process.getuid() !== 0 || !runs('apt-get', ['--version'])) {
    fail(`${missing.join(', ')} missing. On Debian and Ubuntu: apt-get install ${packages.join(' ')}`);
  }
  say(`installing ${packages.join(', ')} (${missing.join(', ')} missing)`);
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** An addon beside unpatched source was built by someone else. */
function isPatched() {
  return fs.readFileSync(addonSource, 'utf8').includes('attr_name_mutex');
}

/** Puts a lock around the set of attribute names, which is static and so shared by all threads. */
function patchAddon() {
  if (isPatched()) return;
  let source = fs.readFileSync(addonSource, 'utf8');
  const replace = (from, to) => {
    if (source.split(from).length !== 2) fail(`tfjs_backend.cc is not as expected: it should hold this once: ${from}`);
    source = source.replace(from, () => to);
  };
  replace('#include <memory>', '#include <memory>\n#include <mutex>');
  replace(
    'static std::set<std::string> ATTR_NAME_SET;',
    `static std::set<std::string> ATTR_NAME_SET;
static std::mutex attr_name_mutex;

// Keeps the name for the life of the process. Worker threads come here at the same time.
static const char *KeepAttrName(const char *name) {
  const std::lock_guard<std::mutex> hold(attr_name_mutex);
  return ATTR_NAME_SET.insert(name).first->c_str();
}`,
  );
  replace('ATTR_NAME_SET.insert(attr_name_string.c_str()).first->c_str();', 'KeepAttrName(attr_name_string.c_str());');
  fs.writeFileSync(addonSource, source);
  say('patched the addon: a lock around its set of attribute names');
}

/** The package's own way: its install script downloads libtensorflow. False where its server does not answer. */
async function installOrdinarily() {
  const host = process.env.TFJS_NODE_CDN_STORAGE || process.env.CDN_STORAGE || 'https://storage.googleapis.com/';
  const base = process.env.TFJS_NODE_BASE_URI || `${host}tensorflow/libtensorflow/libtensorflow-`;
  const url = `${base}cpu-linux-x86_64-2.9.1.tar.gz`;
  try {
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(probeMilliseconds) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  } catch (error) {
    say(`the package's own download is out of reach (${url}: ${error.cause?.code ?? error.message})`);
    return false;
  }
  say(`the package's own install script downloads ${url}`);
  fs.rmSync(path.join(packageFolder, 'deps'), { recursive: true, force: true });
  try {
    compile();
    return true;
  } catch (error) {
    say(`that failed: ${error.message}`);
    return false;
  }
}

function fetchFromWheel() {
  say(`taking libtensorflow ${tensorflowVersion} from PyPI's tensorflow-cpu wheel (230 MB)`);
  fetchLibtensorflow(cachedDeps);
  putInPlace();
}

function compile() {
  say('compiling the addon (half a minute)');
  fs.rmSync(path.join(packageFolder, 'lib'), { recursive: true, force: true });
  const env = { ...process.env, npm_config_build_from_source: 'true' };
  const headers = [path.resolve(process.execPath, '../..'), '/usr', '/usr/local'].find((folder) =>
    fs.existsSync(path.join(folder, 'include/node/common.gypi')),
  );
  // The addon uses Node's stable interface (N-API): any Node's headers do. Without any, node-gyp downloads them.
  if (headers) env.npm_config_nodedir = headers;
  run('npm', ['rebuild', '@tensorflow/tfjs-node', '--ignore-scripts=false', '--foreground-scripts'], {
    cwd: root,
    env,
  });
  if (!builtAddon()) throw new Error('npm rebuild ended well and left no addon');

  const deps = path.join(packageFolder, 'deps');
  if (!fs.lstatSync(deps).isSymbolicLink()) {
    fs.rmSync(cachedDeps, { recursive: true, force: true });
    fs.cpSync(deps, cachedDeps, { recursive: true, verbatimSymlinks: true });
  }
  fs.cpSync(path.join(packageFolder, 'lib'), cachedLib, { recursive: true });
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function say(line) {
  console.log(`install-tfjs-node: ${line}`);
}

function done(how) {
  say(`${how}: @tensorflow/tfjs-node ${version} with libtensorflow ${lastCheck}`);
  process.exit(0);
}

function fail(problem, details = '') {
  console.error(`install-tfjs-node: ${problem}`);
  if (details) console.error(details.split('\n').slice(-40).join('\n'));
  process.exit(1);
}

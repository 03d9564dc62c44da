// libtensorflow and the headers of its C API, out of PyPI's tensorflow-cpu wheel: for install-tfjs-node.mjs.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const tensorflowVersion = '2.12.0';
const wheelSha256 = 'e8c7047552a2d759f3e65ac13e36dd24bb5fec2e6576e848287811ec44b3d62f';

/** Unpacks one wheel, which is a zip file: the two libraries to lib/, the headers to include/. */
const unpackProgram = String.raw`
import os, re, shutil, sys, zipfile
library = re.compile(r'tensorflow/(libtensorflow(?:_cc|_framework)\.so\.2)$')
header = re.compile(r'tensorflow/include/(.*(?:/c/(?:eager/)?\w+|/platform/ctstring\w*)\.h)$')
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        for folder, match in (('lib', library.match(name)), ('include', header.match(name))):
            if match:
                path = os.path.join(sys.argv[2], folder, match[1])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with wheel.open(name) as source, open(path, 'wb') as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
`;

/** The names under which the package's install script and its linker look for the libraries. */
const links = {
  'libtensorflow_cc.so.2': ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow.so.2.9.1'],
  'libtensorflow_framework.so.2': ['libtensorflow_framework.so', 'libtensorflow_framework.so.2.9.1'],
};

/** Downloads the wheel with pip, which checks its SHA-256, and leaves lib/ and include/ at `target`. */
export function fetchLibtensorflow(target) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const work = fs.mkdtempSync(`${target}-unpacking-`);
  try {
    const wanted = path.join(work, 'wanted.txt');
    fs.writeFileSync(wanted, `tensorflow-cpu==${tensorflowVersion} --hash=sha256:${wheelSha256}\n`);
    const quiet = ['-q', '--disable-pip-version-check', '--no-cache-dir', '--no-deps', '--require-hashes'];
    // Any Python serves: nothing of the wheel is run.
    const build = ['--only-binary=:all:', '--implementation=cp', '--python-version=3.11', '--abi=cp311'];
    const platforms = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'].map((name) => `--platform=${name}`);
    run('python3', ['-m', 'pip', 'download', ...quiet, ...build, ...platforms, '-d', work, '-r', wanted]);
    const wheel = fs.readdirSync(work).find((name) => name.endsWith('.whl'));
    const unpacked = path.join(work, 'unpacked');
    run('python3', ['-c', unpackProgram, path.join(work, wheel), unpacked]);
    prepareLibraries(path.join(unpacked, 'lib'));
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(unpacked, target);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function prepareLibraries(lib) {
  // Symbols that nobody needs: 130 of 530 MB.
  run('strip', ['--strip-unneeded', path.join(lib, 'libtensorflow_cc.so.2')]);
  for (const [library, names] of Object.entries(links)) {
    fs.chmodSync(path.join(lib, library), 0o755);
    for (const name of names) fs.symlinkSync(library, path.join(lib, name));
  }
}

/** Runs a command to its end; throws with what it printed where it fails. */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.status === 0) return;
  const details = done.error?.message ?? `${done.stdout}\n${done.stderr}`;
  throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed:\n${details.split('\n').slice(-40).join('\n')}`);
}

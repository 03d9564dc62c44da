import { execFileSync, spawnSync } from 'node:child_process';

/**
 * A Python that has these modules: the one that ELBO_PYTHON names, else python3. Null, with the reason on standard
 * error, when there is none: the tests that need it are skipped then. CI sets ELBO_NEEDS_PYTHON, and fails instead.
 */
export function pythonWith(...modules: readonly string[]): string | null {
  const python = process.env.ELBO_PYTHON ?? 'python3';
  const { status, error, stderr } = spawnSync(python, ['-c', `import ${modules.join(', ')}`], { encoding: 'utf8' });
  if (status === 0) return python;
  const why = error ? error.message : (stderr.trim().split('\n').at(-1) ?? 'it fails');
  const reason = `tests that need ${python} with ${modules.join(', ')} cannot run: ${why}; pip install ${modules.join(' ')}`;
  if (process.env.ELBO_NEEDS_PYTHON) throw new Error(reason);
  process.stderr.write(`SKIPPED: ${reason}\n`);
  return null;
}

/** Runs a program, with arguments as sys.argv[1:], and reads the JSON that it prints. */
export function runPython(python: string, program: string, ...args: readonly string[]): unknown {
  return JSON.parse(execFileSync(python, ['-c', program, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}

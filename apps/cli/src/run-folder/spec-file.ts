import type { RunSpec } from '@elbo/protocol/run-spec';
import { stringify } from 'yaml';

/** spec.yaml: every field, so that nothing hangs on a default of another version. */
export function specYaml({ spec, runId }: { readonly spec: RunSpec; readonly runId: string }): string {
  const note = [
    `# The spec of run ${runId}, complete. Run it again with: elbo train spec.yaml`,
    '# The same spec gives the same parameters, bit for bit, with any number of workers and threads.',
  ];
  return `${note.join('\n')}\n${stringify(spec, { lineWidth: 100, aliasDuplicateObjects: false })}`;
}

import { artefactsSchema } from '@elbo/protocol/api';
import type { RunDetail } from '@elbo/protocol/cluster';
import { api } from '../api/client.js';
import { useFetched } from '../api/use-fetched.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { bytes } from '../format/format.js';

export function FilesTab({ run }: { readonly run: RunDetail }) {
  // A run that ends leaves more files than it had.
  const fetched = useFetched(artefactsSchema, `runs/${run.runId}/artefacts`, `${run.state} ${run.epoch}`);
  if (fetched.problem !== null) return <ProblemBox title="The files could not be listed" reason={fetched.problem} />;
  if (fetched.value === null) return <Loading what="the list of files" />;
  const { artefacts } = fetched.value;
  if (artefacts.length === 0) {
    return (
      <Empty title="No file yet">
        <p>The run folder fills when the run is conducted.</p>
      </Empty>
    );
  }
  return (
    <table class="list files">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col" class="type">
            Type
          </th>
          <th scope="col" class="number">
            Size
          </th>
        </tr>
      </thead>
      <tbody>
        {artefacts.map(({ name, bytes: size, contentType }) => (
          <tr key={name}>
            <th scope="row">
              <a href={`${api}/runs/${run.runId}/artefacts/${addressOf(name)}`} download="">
                {name}
              </a>
            </th>
            <td class="muted type">{contentType}</td>
            <td class="number">{bytes(size)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Some files lie in a folder of the run's. */
function addressOf(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

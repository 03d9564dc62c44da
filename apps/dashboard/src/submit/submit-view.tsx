import { runDetailSchema } from '@elbo/protocol/cluster';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { mayChange } from '../api/session.js';
import { useFetched } from '../api/use-fetched.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { SpecForm } from './spec-form.js';

/** Of a run's detail only what a copy of it needs. */
const originalSchema = z.object({
  name: z.string(),
  spec: runSpecSchema,
  priority: runDetailSchema.shape.priority,
  workerLimit: runDetailSchema.shape.workerLimit,
});

export function SubmitView({ from }: { readonly from: string | null }) {
  return (
    <>
      <div class="view-head">
        <h1>{from === null ? 'New run' : 'Run again with changes'}</h1>
      </div>
      {mayChange.value ? <Form from={from} /> : <ReadOnly />}
    </>
  );
}

function Form({ from }: { readonly from: string | null }) {
  return from === null ? <SpecForm place="" spec={newSpec} launch={newLaunch} /> : <Copy from={from} />;
}

function ReadOnly() {
  return (
    <Empty title="You may look, not start">
      <p>The token that you signed in with is for reading. Sign in with the full one to start runs.</p>
    </Empty>
  );
}

const newSpec = runSpecSchema.parse({ name: 'mnist', dataset: { name: 'mnist' } });
const newLaunch = { priority: 'normal', workerLimit: null } as const;

function Copy({ from }: { readonly from: string }) {
  const { value, problem } = useFetched(originalSchema, `runs/${from}`);
  if (problem !== null) return <ProblemBox title={`The spec of ${from} could not be fetched`} reason={problem} />;
  if (value === null) return <Loading what="the spec" />;
  const { spec, priority, workerLimit } = value;
  return <SpecForm place={from} spec={spec} launch={{ priority, workerLimit }} />;
}

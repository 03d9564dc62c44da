import { type RunDetail, type RunState, type RunSummary, runStateSchema } from '@elbo/protocol/cluster';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { findRun, runArgument } from '../cluster/find-run.js';
import { ago, count, nats, printable, terms } from '../progress/format.js';
import { textTable } from '../progress/table.js';
import { addClusterFlags, type ClusterFlags, connect } from './cluster-options.js';
import { print } from './print.js';
import { requireNoName } from './require-no-name.js';

interface RunsFlags extends ClusterFlags {
  readonly state?: RunState;
  readonly json?: true;
}

const help = `
Examples:
  $ elbo runs
  $ elbo runs list --state running
  $ elbo runs show latest --json | jq .spec.training`;

export function runsCommand(): Command {
  const command = new Command('runs')
    .summary('list and describe the runs of a cluster')
    .description('Lists the runs of a cluster, newest first, or describes one.')
    .addHelpText('after', help);
  const list = command.command('list', { isDefault: true }).description('list the runs, newest first: 1000 at most');
  addClusterFlags(list)
    .addOption(new Option('--state <s>', 'only those in this state').choices(runStateSchema.options))
    .option('--json', 'as JSON, one run a line')
    .action(listRuns);
  const show = command.command('show').description('describe a run, with its spec').argument('<run>', runArgument);
  addClusterFlags(show).option('--json', 'as JSON').action(showRun);
  return command;
}

async function listRuns(flags: RunsFlags, { args }: Command): Promise<void> {
  requireNoName('runs', 'run', args);
  const client = await connect(flags);
  const runs = (await client.runs()).filter(({ state }) => flags.state === undefined || state === flags.state);
  if (flags.json) {
    for (const run of runs) print(JSON.stringify(run));
    return;
  }
  if (runs.length === 0) {
    print(flags.state ? `no run is ${flags.state}` : 'no runs yet: elbo submit mnist');
    return;
  }
  const now = Date.now();
  const rows = runs.map((run) => [
    run.runId,
    run.state,
    `${run.epoch}/${run.epochs}`,
    stepOf(run),
    run.latest ? nats(run.latest.elbo) : '',
    run.state === 'running' ? count(run.imagesPerSecond) : '',
    run.state === 'running' ? count(run.workers) : '',
    run.priority === 'normal' ? '' : run.priority,
    ago(now - run.submittedAt),
  ]);
  print(
    textTable([['run', 'state', 'epoch', 'step', 'ELBO', 'examples/s', 'workers', 'priority', 'submitted'], ...rows]),
  );
}

async function showRun(wanted: string, flags: RunsFlags): Promise<void> {
  const client = await connect(flags);
  const run = await client.run((await findRun(client, wanted)).runId);
  print(flags.json ? JSON.stringify(run) : described(run));
}

function described(run: RunDetail): string {
  const time = (at: number | null): string => (at === null ? '' : new Date(at).toISOString());
  const facts = textTable(
    [
      ['run', run.runId],
      ['name', run.name],
      ['state', run.state],
      ['error', run.error ? printable(`${run.error.code}: ${run.error.message}`) : ''],
      ['data set', run.dataset],
      ['epoch', `${run.epoch} of ${run.epochs}`],
      ['step', stepOf(run)],
      ['ELBO', run.latest ? terms(run.latest) : ''],
      ['KL of each dimension', run.klPerDimension ? run.klPerDimension.map(nats).join(' ') : ''],
      ['examples a second', run.imagesPerSecond > 0 ? count(run.imagesPerSecond) : ''],
      ['workers', `${count(run.workers)}${run.workerLimit === null ? '' : `, ${run.workerLimit} at most`}`],
      ['priority', run.priority],
      ['conducted by', printable(run.coordinator ?? '')],
      ['submitted', time(run.submittedAt)],
      ['started', time(run.startedAt)],
      ['ended', time(run.endedAt)],
      ['parameters', run.parameterCount === null ? '' : count(run.parameterCount)],
      ['examples', run.trainExamples === null ? '' : `${count(run.trainExamples)} + ${count(run.testExamples ?? 0)}`],
      ['parameters sha256', run.parametersSha256 ?? ''],
    ].filter(([, value]) => value !== ''),
  );
  return `${facts}\n\nspec.yaml\n${stringify(run.spec).trimEnd()}`;
}

function stepOf({ step, totalSteps }: RunSummary): string {
  return totalSteps === null ? '' : `${count(step)}/${count(totalSteps)}`;
}

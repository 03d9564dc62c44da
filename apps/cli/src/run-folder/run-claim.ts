import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { specSha256 } from '@elbo/coordinator/checkpoint/spec-hash';
import { DatasetChangedError, FolderClaimedError } from '@elbo/coordinator/errors';
import { type ResolvedRun, runIdSchema, sha256Schema } from '@elbo/protocol/messages';
import { z } from 'zod';
import { RunFolderError } from '../errors.js';
import { processStartTime } from './process-start-time.js';
import { writeFileAtomically } from './write-file-atomically.js';

/** run.json: which run a folder is of, and who conducts it. */
const runFileSchema = z.strictObject({
  version: z.literal(1),
  runId: runIdSchema,
  specSha256: sha256Schema,
  datasetSha256: sha256Schema,
  state: z.enum(['unfinished', 'completed']),
  /** Null when nobody conducts it. */
  conductor: z
    .strictObject({
      /** Another one each time somebody begins or goes on. */
      claim: z.uuid(),
      host: z.string(),
      pid: z.int(),
      /** Tells a process from a later one with the same number; null where that cannot be known. */
      startTime: z.string().nullable(),
    })
    .nullable(),
});
export type RunFile = z.infer<typeof runFileSchema>;

/** Reads run.json; null when there is none. @throws RunFolderError `not-a-run` when it is not one of ours */
export async function readRunFile(folder: string): Promise<RunFile | null> {
  const path = runFilePath(folder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw new RunFolderError('not-a-run', folder, `${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    return runFileSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? error.issues[0]?.message : (error as Error).message;
    throw new RunFolderError(
      'not-a-run',
      folder,
      `${path} does not hold (${why}); it was changed, or is of another Elbo`,
    );
  }
}

/** The process on this host that conducts the run, or null. Of other hosts nothing can be known. */
export function livingConductor({ conductor }: RunFile): number | null {
  if (!conductor || conductor.host !== hostname() || conductor.pid === process.pid) return null;
  const startTime = processStartTime(conductor.pid);
  const same = conductor.startTime === null ? startTime !== undefined : startTime === conductor.startTime;
  return same ? conductor.pid : null;
}

/**
 * The right of one conductor to a run folder. Whoever claims it last has it: the lease decides who may conduct a run,
 * and the claim keeps one that was deposed from writing between its files.
 */
export class RunClaim {
  readonly #conductor: NonNullable<RunFile['conductor']>;

  private constructor(
    private readonly folder: string,
    private readonly run: ResolvedRun,
  ) {
    const { pid } = process;
    this.#conductor = { claim: randomUUID(), host: hostname(), pid, startTime: processStartTime(pid) ?? null };
  }

  /**
   * Claims a folder that is new, or of this run.
   * @throws DatasetChangedError
   * @throws RunFolderError `folder-in-use` when it is another run's, or this one's under another spec
   */
  static async take(folder: string, run: ResolvedRun): Promise<RunClaim> {
    const found = await readRunFile(folder);
    if (found) assertSameRun(folder, found, run);
    const claim = new RunClaim(folder, run);
    await claim.#write('unfinished', claim.#conductor);
    return claim;
  }

  /** @throws FolderClaimedError when somebody else claimed the folder since */
  async assertHeld(): Promise<void> {
    const found = await readRunFile(this.folder);
    if (found?.conductor?.claim !== this.#conductor.claim) {
      throw new FolderClaimedError(this.run.runId, this.folder);
    }
  }

  async release(state: RunFile['state']): Promise<void> {
    await this.assertHeld();
    await this.#write(state, null);
  }

  async #write(state: RunFile['state'], conductor: RunFile['conductor']): Promise<void> {
    const { runId, spec, datasetHash } = this.run;
    const file: RunFile = {
      version: 1,
      runId,
      specSha256: specSha256(spec),
      datasetSha256: datasetHash,
      state,
      conductor,
    };
    await writeFileAtomically(runFilePath(this.folder), `${JSON.stringify(file, null, 2)}\n`);
  }
}

function assertSameRun(folder: string, found: RunFile, run: ResolvedRun): void {
  const inUse = (why: string) => new RunFolderError('folder-in-use', folder, `${folder} ${why}`);
  if (found.runId !== run.runId) throw inUse(`is of run ${found.runId}, not ${run.runId}; choose another folder`);
  if (found.specSha256 !== specSha256(run.spec)) {
    throw inUse(`was begun under another spec: undo the change of its spec.yaml, or train the new spec from its start`);
  }
  if (found.datasetSha256 !== run.datasetHash) {
    throw new DatasetChangedError(run.runId, run.spec.dataset.name, found.datasetSha256, run.datasetHash);
  }
}

function runFilePath(folder: string): string {
  return join(folder, 'run.json');
}

import { artefactsSchema, runsSchema, workersSchema } from '@elbo/protocol/api';
import {
  type Artefact,
  type RunDetail,
  type RunSummary,
  runDetailSchema,
  runSummarySchema,
  type Submission,
  type WorkerReport,
} from '@elbo/protocol/cluster';
import { elboVersion } from '@elbo/protocol/version';
import { z } from 'zod';
import { ClusterError } from '../errors.js';
import { printable } from '../progress/format.js';
import type { ClusterAddress } from './address.js';
import { answerWithinMs, notElbo, type RequestOptions, readBytes, request } from './request.js';

const maxAnswerBytes = 32 * 1024 * 1024;

// Of another version only the version is wanted.
const versionSchema = z.object({ version: z.string().max(64) });

export type RunAction = 'pause' | 'resume' | 'cancel';

/** A cluster's HTTP API, every answer checked. All methods throw `ClusterError`. */
export class ClusterClient {
  private constructor(readonly address: ClusterAddress) {}

  /** Asks who is there, so that a wrong address, token or version is named before anything else is done. */
  static async connect(address: ClusterAddress): Promise<ClusterClient> {
    const client = new ClusterClient(address);
    const { version } = await client.#json('session', versionSchema);
    if (version === elboVersion) return client;
    throw new ClusterError(
      'version-mismatch',
      address.server,
      `the cluster at ${address.server} runs Elbo ${printable(version)}, and this is ${elboVersion}: use the same version here`,
    );
  }

  /** Newest first, 1000 at most. */
  async runs(): Promise<RunSummary[]> {
    return (await this.#json('runs', runsSchema)).runs;
  }

  run(runId: string): Promise<RunDetail> {
    return this.#json(runPath(runId), runDetailSchema);
  }

  submit(submission: Submission): Promise<RunSummary> {
    return this.#json('runs', runSummarySchema, { method: 'POST', body: submission });
  }

  act(runId: string, action: RunAction): Promise<RunSummary> {
    return this.#json(`${runPath(runId)}/${action}`, runSummarySchema, { method: 'POST' });
  }

  async workers(): Promise<WorkerReport[]> {
    return (await this.#json('workers', workersSchema)).workers;
  }

  /** The files of the run's folder. */
  async artefacts(runId: string): Promise<Artefact[]> {
    return (await this.#json(`${runPath(runId)}/artefacts`, artefactsSchema)).artefacts;
  }

  /** The content of a file, as it comes. */
  async artefact(runId: string, name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const path = `${runPath(runId)}/artefacts/${name.split('/').map(encodeURIComponent).join('/')}`;
    const { body } = await request(this.address, path, { signal });
    return body ?? new Blob([]).stream();
  }

  async #json<Body>(
    path: string,
    schema: z.ZodType<Body>,
    options: Pick<RequestOptions, 'method' | 'body'> = {},
  ): Promise<Body> {
    const { server } = this.address;
    const signal = AbortSignal.timeout(answerWithinMs);
    const bytes = await readBytes(await request(this.address, path, { ...options, signal }), server, maxAnswerBytes);
    return readJson(Buffer.from(bytes).toString(), schema, server);
  }
}

/** @throws ClusterError when it is no JSON, or not what the schema says */
export function readJson<Body>(text: string, schema: z.ZodType<Body>, server: string): Body {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw notElbo(server, 'no JSON');
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notElbo(server, `${issue?.path.join('.') || 'the answer'}: ${issue?.message}`);
}

export function runPath(runId: string): string {
  return `runs/${encodeURIComponent(runId)}`;
}

import {
  artefactParamsSchema,
  artefactsSchema,
  nestedArtefactParamsSchema,
  pictureEpochsSchema,
  pictureParamsSchema,
  runParamsSchema,
} from '@elbo/protocol/api';
import type { RunDirectory } from '@elbo/transport/run-directory';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Api, answers, answersBytes } from '../api.js';
import { Refusal, unknownRun } from '../problem.js';
import { artefactType, listArtefacts } from '../run-folders/artefact-names.js';
import { openRunFile, type RunFolders } from '../run-folders/run-folders.js';

const tags = ['artefacts'];

/** The folder of a run, when it has one. A queued run has none yet. @throws Refusal */
export async function folderOf(folders: RunFolders, runId: string): Promise<string> {
  const folder = await folders.find(runId);
  if (folder === null)
    throw new Refusal(404, 'no-run-folder', `run ${runId} has no folder here: unknown, or not begun`);
  return folder;
}

/** The folder of a run; null while it has not begun. @throws Refusal when there is no such run */
export async function folderIfBegun(
  folders: RunFolders,
  directory: Pick<RunDirectory, 'find'>,
  runId: string,
): Promise<string | null> {
  const folder = await folders.find(runId);
  if (folder === null && (await directory.find(runId)) === null) throw unknownRun(runId);
  return folder;
}

export function artefactRoutes(api: Api, directory: RunDirectory, folders: RunFolders): void {
  const path = '/api/v1/runs/:runId/artefacts';
  const bytes = answersBytes('*/*', 'The file, of the content type that the list of files names');

  api.get(
    path,
    { schema: { tags, summary: 'The files of a run', params: runParamsSchema, response: answers(artefactsSchema) } },
    async ({ params: { runId } }) => {
      const folder = await folderIfBegun(folders, directory, runId);
      return { artefacts: folder === null ? [] : await listArtefacts(folder) };
    },
  );
  api.get(
    `${path}/:name`,
    { schema: { tags, summary: 'A file of a run', params: artefactParamsSchema, response: bytes } },
    ({ params: { runId, name } }, reply) => sendArtefact(folders, runId, name, reply),
  );
  api.get(
    `${path}/:folder/:name`,
    { schema: { tags, summary: 'A file in a folder of a run', params: nestedArtefactParamsSchema, response: bytes } },
    ({ params: { runId, folder, name } }, reply) => sendArtefact(folders, runId, `${folder}/${name}`, reply),
  );

  api.get(
    '/api/v1/runs/:runId/pictures',
    {
      schema: {
        tags,
        summary: 'The epochs that there are pictures of',
        params: runParamsSchema,
        response: answers(pictureEpochsSchema),
      },
    },
    async ({ params: { runId } }) => {
      const folder = await folderIfBegun(folders, directory, runId);
      return { epochs: folder === null ? [] : epochsOf((await listArtefacts(folder)).map(({ name }) => name)) };
    },
  );
  api.get(
    '/api/v1/runs/:runId/pictures/:epoch/:kind.png',
    {
      schema: {
        tags,
        summary: 'Samples or reconstructions after an epoch',
        params: pictureParamsSchema,
        response: answersBytes('image/png', 'The picture'),
      },
    },
    ({ params: { runId, epoch, kind } }, reply) =>
      sendArtefact(folders, runId, `pictures/epoch-${String(epoch).padStart(4, '0')}-${kind}.png`, reply),
  );
}

/** The epochs with both pictures, in order. */
function epochsOf(names: readonly string[]): number[] {
  const counts = new Map<number, number>();
  for (const name of names) {
    const [, digits] = /^pictures\/epoch-(\d+)-/.exec(name) ?? [];
    if (digits !== undefined) counts.set(Number(digits), (counts.get(Number(digits)) ?? 0) + 1);
  }
  return [...counts].flatMap(([epoch, count]) => (count === 2 ? [epoch] : [])).sort((a, b) => a - b);
}

async function sendArtefact(folders: RunFolders, runId: string, name: string, reply: FastifyReply): Promise<never> {
  const contentType = artefactType(name);
  const folder = contentType === null ? null : await folders.find(runId);
  const opened = folder === null ? null : await openRunFile(folder, name);
  if (contentType === null || opened === null) {
    throw new Refusal(404, 'unknown-artefact', `run ${runId} has no ${name} here`);
  }
  const { file, bytes, modifiedMs, inode } = opened;
  const etag = `"${inode.toString(36)}-${bytes.toString(36)}-${Math.round(modifiedMs).toString(36)}"`;
  const asShown = contentType === 'image/png' ? 'inline' : 'attachment';
  reply.headers({
    etag,
    'cache-control': 'private, no-cache',
    'content-disposition': `${asShown}; filename="${runId}-${name.replaceAll('/', '-')}"`,
  });
  const known = matches(reply.request, etag);
  if (!known) reply.header('content-length', bytes).type(contentType);
  if (known || bytes === 0) {
    await file.close();
    return reply.code(known ? 304 : 200).send() as never;
  }
  // A file that is written to meanwhile is sent as long as it was.
  return reply.send(file.createReadStream({ end: bytes - 1 })) as never;
}

function matches({ headers }: FastifyRequest, etag: string): boolean {
  const known = headers['if-none-match'];
  return known === '*' || (known?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag) ?? false);
}

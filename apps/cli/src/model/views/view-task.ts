import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelViewError } from '@elbo/coordinator/http/model-views';
import { DatasetError } from '@elbo/datasets/errors';
import { EngineUnavailableError } from '@elbo/vae-core/engines/errors';
import { ModelUseError, SafetensorsError, UsageError } from '../../errors.js';
import type { ViewAnswer, ViewTask } from './messages.js';
import { ModelView } from './model-view.js';

/** The thread's side of the views: one task at a time, and a few models kept open. */

const mostOpen = 2;

interface OpenView {
  readonly view: ModelView;
  /** Of the model's file; another one is a newer model. */
  readonly version: string;
}

/** By run folder, the one used last at the end. */
const open = new Map<string, OpenView>();

/** Piscina calls it by its name. */
export async function answerView(task: ViewTask): Promise<ViewAnswer> {
  try {
    const view = await viewOf(task.runFolder);
    if (task.kind === 'plane') return { plane: await view.latentPlane(task.limit) };
    return {
      png: task.kind === 'decode' ? await view.decode(task.x, task.y) : view.example(task.index, task.split),
    };
  } catch (error) {
    if (error instanceof ModelViewError) return { fault: error.code, message: error.message };
    if (!isUnusable(error)) throw error;
    return { fault: 'no-model', message: error.message };
  }
}

async function viewOf(runFolder: string): Promise<ModelView> {
  const version = await versionOf(runFolder);
  const known = open.get(runFolder);
  open.delete(runFolder);
  if (known?.version === version) {
    open.set(runFolder, known);
    return known.view;
  }
  const others = [...open.values(), ...(known ? [known] : [])].map(({ view }) => view);
  await known?.view.close();
  for (const [folder, { view }] of [...open].slice(0, Math.max(0, open.size + 1 - mostOpen))) {
    open.delete(folder);
    await view.close();
  }
  const view = await ModelView.open(runFolder, others);
  open.set(runFolder, { view, version });
  return view;
}

/** @throws ModelViewError `no-model` */
async function versionOf(runFolder: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(join(runFolder, 'model.safetensors'));
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ModelViewError('no-model', 'the run has saved no model yet: it does after each epoch');
  }
}

function isUnusable(error: unknown): error is Error {
  return [UsageError, SafetensorsError, ModelUseError, DatasetError, EngineUnavailableError].some(
    (kind) => error instanceof kind,
  );
}

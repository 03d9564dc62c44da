import { join } from 'node:path';
import { output, run, works } from './run-command.js';

const engineScript = join(import.meta.dirname, 'engine.sh');
const imagesScript = join(import.meta.dirname, 'stand-in-images.sh');
const baseImages = ['node:22-bookworm-slim', 'redis:7-bookworm'];

export interface Docker {
  /** Why the tests cannot run here; null when they can. */
  readonly missing: string | null;
  /** Stops the engine if it was started for the tests. */
  release(): Promise<void>;
}

/** An engine with Compose v2 and the base images: what is there, or what this machine can make of itself. */
export async function prepareDocker(): Promise<Docker> {
  let started = false;
  const release = async () => {
    if (started) await output(engineScript, ['stop'], { seconds: 90 });
  };
  try {
    if (!(await works('docker', ['version']))) {
      if (!(await works('dockerd', ['--version']))) {
        return unavailable(`no Docker engine answers and none is installed (on Debian: sudo ${engineScript} install)`);
      }
      if (process.getuid?.() !== 0) return unavailable('no Docker engine answers, and only root may start one');
      await output(engineScript, ['start'], { seconds: 150 });
      started = true;
    }
    if (!(await works('docker', ['compose', 'version']))) throw new Error('`docker compose` (Compose v2) is missing');
    await provideBaseImages();
    return { missing: null, release };
  } catch (error) {
    await release();
    return unavailable((error as Error).message);
  }
}

function unavailable(reason: string): Docker {
  return { missing: reason, release: async () => {} };
}

/** The official images where a registry is reached, else stand-ins made of Debian's and npm's packages. */
async function provideBaseImages(): Promise<void> {
  for (const image of baseImages) {
    if (await works('docker', ['image', 'inspect', image])) continue;
    if (await works('docker', ['pull', '--quiet', image], 180)) continue;
    const { exitCode, stderr } = await run(imagesScript, [], { seconds: 400 });
    if (exitCode === 0) return;
    throw new Error(`the image ${image} cannot be pulled, and no stand-in made: ${stderr.trim()}`);
  }
}

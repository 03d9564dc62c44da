import { spawnSync } from 'node:child_process';
import { engineNames } from '@elbo/protocol/run-spec';
import { EngineUnavailableError } from '@elbo/vae-core/engines/errors';
import { probeEngines } from '@elbo/vae-core/engines/load-engine';
import { expect, test } from 'vitest';

test('reports every engine with its library, and a reason and a mend where it does not load', async () => {
  const reports = await probeEngines();
  expect(reports.map(({ name }) => name)).toEqual(engineNames);
  for (const { name, available, version, reason, mend } of reports) {
    expect(version).toMatch(/\d+\.\d+\.\d+$/);
    if (available) expect([reason, mend], name).toEqual([undefined, undefined]);
    else
      expect(
        [reason, mend].every((text) => text && text.length > 5),
        name,
      ).toBe(true);
  }
  expect(reports.filter(({ available }) => available).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['compiled', 'wasm', 'cpu']),
  );
});

test('an unavailable engine is an error that says why and what to do', () => {
  const error = new EngineUnavailableError('tfjs-node', 'its native addon is not installed', 'Run x');
  expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', engine: 'tfjs-node' });
  expect(error.message).toBe('the engine tfjs-node cannot be used: its native addon is not installed. Run x');
});

test('loading an engine prints nothing, and brings in no other engine', () => {
  const program = `
    const { loadEngine } = await import('@elbo/vae-core/engines/load-engine');
    const { createModel } = await import('@elbo/vae-core/models/model');
    const { modelSpecSchema } = await import('@elbo/protocol/run-spec');
    const engine = await loadEngine('compiled');
    const model = createModel(modelSpecSchema.parse({ encoder: { hidden: [] }, decoder: { hidden: [] } }), 4);
    const run = await engine.compileDecoder(model, 1);
    await run(new Float32Array(model.layout.length), new Float32Array(20));
    const { createRequire } = await import('node:module');
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => /tfjs-(backend|node|layers)/.test(file));
    if (loaded.length > 0) throw new Error('loaded too: ' + loaded);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});

import { execFileSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSpec, readSpec } from '@elbo/cli/spec/read-spec';
import { resolveSpec } from '@elbo/cli/spec/resolve-spec';
import { assertFits, assertWorkerFits, memoryCeiling } from '@elbo/coordinator/memory-ceiling';
import { resolvedRunSchema } from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/elbo.js';
import { runElbo } from '../support/run-elbo.js';

const times = (count: number, make: (i: number) => string) => Array.from({ length: count }, (_, i) => make(i)).join('');
const resolve = (source: string) => resolveSpec(parseSpec(source, 'a.yaml'), new Map());
const valid = 'dataset: { name: mnist }\n';

describe('a hostile spec', () => {
  // Each took from seconds to minutes, or the process with it, while its size alone was bounded.
  it.each<[string, string, RegExp]>([
    ['brackets nested by the thousand', '['.repeat(60_000), /nested more than 64 deep/],
    ['dashes nested by the thousand', '- '.repeat(30_000), /nested more than 64 deep/],
    ['question marks nested by the thousand', '? '.repeat(30_000), /nested more than 64 deep/],
    ['objects nested by the thousand', '{a: '.repeat(15_000), /nested more than 64 deep/],
    ['indented maps', times(340, (i) => `${' '.repeat(i)}a:\n`), /nested more than 64 deep/],
    ['keys by the thousand', times(7000, (i) => `k${i}: 1\n`), /more than 10000 words/],
    ['keys on one line', `{${times(8000, (i) => `k${i},`)}}`, /more than 10000 words/],
    ['nothing but quotes', '"'.repeat(65_001), /more than 10000 words/],
    ['a billion laughs', laughs(), /alias/],
    ['aliases by the thousand', `x: &x 1\ny: [${'*x,'.repeat(3000)}]`, /alias/],
    ['documents by the thousand', '---\n'.repeat(4000), /multiple documents/],
    ['a tag that names code', 'seed: !!js/function "x"', /tag/i],
    ['a key twice', `${valid}seed: 1\nseed: 2`, /unique/],
    ['a key twice, in JSON', '{"dataset": {"name": "mnist"}, "seed": 1, "seed": 2}', /unique/],
    ['a merge key', `a: &a { name: mnist }\ndataset: { <<: *a }`, /dataset\.<</],
    ['a number as large as none', `${valid}seed: 1e999`, /seed .* is not allowed/],
    ['not a number', `${valid}training: { learningRate: .nan }`, /NaN is not allowed/],
    ['infinity', `${valid}training: { learningRate: .inf }`, /Infinity is not allowed/],
    ['infinity where no bound is', `${valid}training: { clipGlobalNorm: .inf }`, /Infinity is not allowed/],
    ['minus infinity', `${valid}objective: { beta: -.inf }`, /-Infinity is not allowed/],
    ['a path for a data set', 'dataset: { name: ../../etc/passwd }', /dataset\.name .* is not allowed/],
    ['a path for a name', `${valid}name: ../../x`, /name .* is not allowed/],
    ['a zero byte', 'dataset: { name: "mnist\\0" }', /is not allowed/],
    ['layers without end', `${valid}model: { encoder: { hidden: [${'9,'.repeat(40)}] } }`, /hidden/],
    ['a layer wider than any', `${valid}model: { encoder: { hidden: [65537] } }`, /hidden/],
  ])('with %s is refused in good time', (_what, source, message) => {
    const began = performance.now();
    expect(() => resolve(source)).toThrow(message);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it.each([
    `${valid}__proto__: { seed: 7 }`,
    '{"dataset": {"name": "mnist"}, "__proto__": {"seed": 7}}',
    '{"dataset": {"name": "mnist", "__proto__": {"validation": 7}}}',
    '{"dataset": {"name": "mnist"}, "constructor": {"prototype": {"seed": 7}}}',
  ])('that reaches for a prototype sets nothing: %s', (source) => {
    expect(() => resolve(source)).toThrow(/(__proto__|constructor) .*is not a field of a run spec/);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { seed?: number }).seed).toBeUndefined();
  });

  describe('in a file', () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    beforeEach(async () => {
      folder = await temporaryFolder();
    });
    afterEach(() => folder.remove());

    async function refused(name: string, content: string | Uint8Array): Promise<string> {
      const path = join(folder.path, name);
      await writeFile(path, content);
      return readSpec(path).then(
        () => 'it was read',
        (error: Error) => error.message,
      );
    }

    it('that is large, or not text, or no file, is refused', async () => {
      expect(await refused('large.yaml', ' '.repeat(64 * 1024 + 1))).toMatch(/larger than 64 KiB/);
      expect(await refused('latin.yaml', Buffer.from(`${valid}name: \xe9`, 'latin1'))).toMatch(/not text in UTF-8/);
      expect(await refused('wide.yaml', Buffer.from(valid, 'utf16le'))).not.toBe('it was read');
      execFileSync('mkfifo', [join(folder.path, 'pipe.yaml')]);
      for (const path of ['/dev/zero', '/dev/stdin', folder.path, `${folder.path}/pipe.yaml`]) {
        await expect(readSpec(path)).rejects.toThrow(/is not a file|is neither/);
      }
    });

    it('whose layers no memory holds is refused by `elbo train` with the numbers, and nothing is written', async () => {
      const spec = join(folder.path, 'wide.json');
      const model = { encoder: { hidden: [65_536, 65_536] }, likelihood: { kind: 'gaussian' } };
      await writeFile(spec, JSON.stringify({ dataset: { name: 'gaussian-mixture' }, model }));
      const out = join(folder.path, 'out');
      const env = { ELBO_CACHE: join(folder.path, 'cache') };
      const { code, signal, stderr } = await runElbo(['train', spec, '--out', out], env);
      expect([code, signal]).toEqual([1, null]);
      expect(stderr).toMatch(/it takes at most \d+ MiB in this process, and there are \d+ MiB/);
      expect(await readdir(folder.path)).not.toContain('out');
    });
  });

  it('is measured against the container, not only against the machine', () => {
    const run = resolvedRunSchema.parse({
      runId: 'a-run',
      spec: runSpecSchema.parse({ dataset: { name: 'mnist' } }),
      datasetHash: '0'.repeat(64),
      dataDim: 784,
      ...{ trainExamples: 60_000, validationExamples: 0, testExamples: 10_000, shardsPerStep: 2, microbatchSize: 64 },
    });
    const ceiling = memoryCeiling(run, 652_824, 55_000_000);
    const refusal = { code: 'MEMORY_CEILING', availableBytes: 2 ** 26 };
    expect(() => assertFits(run, ceiling, 'redis', 0, 2 ** 26)).toThrow(expect.objectContaining(refusal));
    expect(() => assertFits(run, ceiling, 'redis', 0, 2 ** 30)).not.toThrow();
    expect(() => assertWorkerFits(run, 2, 2 ** 26)).toThrow(
      /takes at most \d+ MiB in a worker of 2 threads, and there are 64 MiB/,
    );
    expect(() => assertWorkerFits(run, 1, 2 ** 26)).toThrow(/in a worker of 1 thread, and/);
    expect(() => assertWorkerFits(run, 2, 2 ** 30)).not.toThrow();
    // Embedded it has its threads in the same memory.
    expect(() => assertFits(run, ceiling, 'embedded', 16, 2 ** 30)).toThrow(/takes at most \d{4} MiB in this process/);
  });
});

function laughs(): string {
  const lines = ['a: &a [1,1,1,1,1,1,1,1,1]'];
  for (const [i, name] of [...'bcdefghij'].entries())
    lines.push(`${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]`);
  return lines.join('\n');
}

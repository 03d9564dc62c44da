import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { run, works } from './run-command.js';

/** What the tests below look at of a manifest; the schemas of Kubernetes check the rest. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Spec;
  readonly stringData?: Readonly<Record<string, string>>;
}
interface Spec {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: Pod };
  readonly volumeClaimTemplates?: readonly Manifest[];
  readonly ports: readonly { readonly port: number }[];
}
interface Pod {
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}
interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly securityContext: unknown;
  readonly resources: unknown;
  readonly livenessProbe: unknown;
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string }[];
  readonly env?: readonly {
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  }[];
}

const folder = join(import.meta.dirname, '../../infra/kubernetes');
const files = readdirSync(folder).map((name) => join(folder, name));
const manifests = files.flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    if (document.errors[0]) throw new Error(`${file}: ${document.errors[0].message}`);
    return document.toJS() as Manifest;
  }),
);
const named = (manifest: Manifest) => `${manifest.kind} ${manifest.metadata.name}`;
const of = (kind: string, name: string) => manifests.find((each) => each.kind === kind && each.metadata.name === name);
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
const withPods = workloads.map((workload) => ({ name: named(workload), workload, pod: workload.spec.template.spec }));

const validator = await works('python3', ['-c', 'import kubernetes_validate']);
if (!validator) {
  console.warn('the schemas of Kubernetes are not checked: python3 has no kubernetes-validate (pip install it)');
}

describe('the manifests of infra/kubernetes', () => {
  it.skipIf(!validator)('are what the schemas of Kubernetes allow, with no field that they do not know', async () => {
    const args = ['-m', 'kubernetes_validate', '--strict', ...files];
    const { exitCode, stdout, stderr } = await run('python3', args, { seconds: 60 });
    expect({ exitCode, complaints: `${stdout}${stderr}`.match(/^(ERROR|WARN).*$/gm) }).toEqual({
      exitCode: 0,
      complaints: null,
    });
  });

  it('are all in one namespace', () => {
    for (const { kind, metadata } of manifests) {
      expect(metadata.namespace ?? metadata.name, `${kind} ${metadata.name}`).toBe('elbo');
    }
    expect(new Set(manifests.map(named)).size).toBe(manifests.length);
  });

  it.each(withPods)('give $name what the restricted pod security standard asks for, and more', ({ pod }) => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
      expect(container.livenessProbe).toBeDefined();
      expect(container.image).toMatch(/:(?!latest$)[^:]+$/);
    }
  });

  it.each(withPods)('select the pods of $name by labels that these have', ({ workload }) => {
    expect(workload.spec.template.metadata.labels).toMatchObject(workload.spec.selector.matchLabels);
  });

  it.each(withPods)('mount in $name what is there, and name secrets that are there', ({ workload, pod }) => {
    const claims = (workload.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name);
    const volumes = [...claims, ...(pod.volumes ?? []).map((volume) => volume.name)];
    for (const volume of pod.volumes ?? []) {
      const claim = volume.persistentVolumeClaim?.claimName;
      if (claim) expect(of('PersistentVolumeClaim', claim), claim).toBeDefined();
    }
    for (const container of pod.containers) {
      for (const mount of container.volumeMounts) expect(volumes).toContain(mount.name);
      for (const { valueFrom } of container.env ?? []) {
        const secret = valueFrom?.secretKeyRef;
        if (secret) expect(Object.keys(of('Secret', secret.name)?.stringData ?? {})).toContain(secret.key);
      }
    }
  });

  it('have services and network policies that mean pods and ports that there are', () => {
    const labels = withPods.map(({ workload }) => workload.spec.template.metadata.labels['app.kubernetes.io/name']);
    const text = JSON.stringify(manifests.filter(({ kind }) => kind === 'NetworkPolicy' || kind === 'Service'));
    for (const [, name] of text.matchAll(/"matchLabels":\{"app\.kubernetes\.io\/name":"([^"]*)"/g)) {
      expect(labels).toContain(name);
    }
    const ports = withPods.flatMap(({ pod }) => pod.containers.flatMap((each) => each.ports ?? []));
    const numbers = ports.map(({ containerPort }) => containerPort);
    for (const service of manifests.filter(({ kind }) => kind === 'Service')) {
      for (const { port } of service.spec.ports) expect(numbers).toContain(port);
    }
  });

  it('give Redis a policy that loses nothing, as in the compose file', () => {
    const args = of('StatefulSet', 'redis')?.spec.template.spec.containers[0]?.args.join();
    expect(args).toContain('--appendonly yes');
    expect(args).toContain('--maxmemory-policy noeviction');
  });
});

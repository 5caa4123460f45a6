import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, type Task } from '../../src/contract.ts';
import { ANNOTATION, digest, LABEL, QUEUE_LABEL } from '../../src/fence.ts';
import { anchorManifest, CONTAINER, jobManifest, storedPlan } from '../../src/kubernetes/job.ts';
import { settle } from '../../src/settings.ts';
import type { PodPlan } from '../../src/workloads/workload.ts';
import { ANCHOR, NAMESPACE_ID, RUN } from './cluster-objects.ts';

const BARE: PodPlan = { image: 'busybox:1', env: {}, files: [] };

function made(plan: Partial<PodPlan> = {}, settings: Partial<Task> = {}) {
  const task = { workload: 'command', image: 'i', ...settings } as Task;
  const { manifest, specHash } = anchorManifest(NAMESPACE_ID, RUN, 'command', settle(task), { ...BARE, ...plan }, 'n');
  const job = jobManifest(NAMESPACE_ID, ANCHOR, storedPlan(manifest));
  const pod = job.spec?.template.spec;
  const container = pod?.containers[0];
  if (pod === undefined || container === undefined) throw new TypeError('a Job without a container');
  return { anchor: manifest, specHash, job, pod, container };
}

describe('the Job', () => {
  it('is born suspended, owned by its anchor alone, by uid', () => {
    const { job } = made();
    expect(job.spec?.suspend).toBe(true);
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: ANCHOR.name, uid: 'anchor-uid' };
    expect(job.metadata?.ownerReferences).toEqual([owner]);
    expect(job.metadata?.name).toBe(ANCHOR.name);
  });

  it('makes one Pod and no second, and ends by itself a minute after the timeout', () => {
    const { job } = made({}, { timeout: '10m' });
    expect(job.spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 0, podReplacementPolicy: 'Failed' });
    const taken = { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget' }] };
    expect(job.spec?.podFailurePolicy).toEqual({ rules: [taken] });
    expect(job.spec?.activeDeadlineSeconds).toBe(660);
    expect(job.spec?.template.spec?.restartPolicy).toBe('Never');
  });

  it('that Kueue starts says so, as its anchor does, and is born without the label that would let Kueue do it', () => {
    const { anchor } = made();
    const held = { ...ANCHOR, queue: 'team-a' };
    const job = jobManifest(NAMESPACE_ID, held, storedPlan(anchor));
    expect(job.metadata?.annotations?.[ANNOTATION.queue]).toBe('team-a');
    expect(Object.keys(job.metadata?.labels ?? {})).not.toContain(QUEUE_LABEL);
    expect(job.spec?.suspend).toBe(true);
    const task = { workload: 'command', image: 'i' } as const;
    const { manifest } = anchorManifest(NAMESPACE_ID, RUN, 'command', settle(task), BARE, 'n', { queue: 'team-a' });
    expect(manifest.metadata?.annotations?.[ANNOTATION.queue]).toBe('team-a');
    expect(manifest.data).toEqual(anchor.data);
  });

  it('has no word of queues where there are none', () => {
    const { anchor, job } = made();
    expect(JSON.stringify([anchor, job])).not.toMatch(/queue|kueue|limiter/);
  });

  it('gives its Pod the marks by which release finds it', () => {
    const { job } = made();
    expect(job.spec?.template.metadata?.labels).toEqual(job.metadata?.labels);
    expect(job.metadata?.labels?.[LABEL.run]).toBe(ANCHOR.name);
    expect(job.metadata?.labels?.[LABEL.network]).toBe('none');
  });

  it('has another spec hash when anything of its Pod is another', () => {
    const hash = (plan: Partial<PodPlan>, settings: Partial<Task> = {}) => digest(made(plan, settings).pod);
    const hashes = [hash({}), hash({ image: 'b' }), hash({ env: { A: '1' } }), hash({}, { gracePeriod: '9s' })];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(made().job.metadata?.annotations?.['holdfast.dev/spec-hash']).toBe(hash({}));
  });
});

describe('the Pod', () => {
  it('is a sandbox: nobody, no token, no privileges, a read-only root, seccomp', () => {
    const { pod, container } = made();
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect([pod.hostNetwork, pod.hostPID, pod.hostIPC, container.securityContext?.privileged]).toEqual(
      Array.from({ length: 4 }),
    );
  });

  it('may write to a /tmp of the size asked for, and to nothing else', () => {
    const { pod, container } = made({ files: [file('/data/a')] }, { resources: { tmp: '7Mi' } });
    expect(pod.volumes?.find(({ name }) => name === 'tmp')?.emptyDir).toEqual({ sizeLimit: '7Mi' });
    const writable = container.volumeMounts
      ?.filter(({ readOnly }) => readOnly !== true)
      .map((mount) => mount.mountPath);
    expect(writable).toEqual(['/tmp']);
  });

  it('requests what it is limited to, devices included', () => {
    const { container } = made({}, { resources: { cpu: '500m', memory: '1Gi', devices: { 'nvidia.com/gpu': 2 } } });
    const amounts = { cpu: '500m', memory: '1Gi', 'nvidia.com/gpu': '2' };
    expect(container.resources).toEqual({ requests: amounts, limits: amounts });
  });

  it('mounts its anchor, whether it has files or not, and cannot start without it', () => {
    for (const files of [[], [file('/data/a')]]) {
      const { pod, container } = made({ files });
      const configMap = pod.volumes?.find(({ name }) => name === 'anchor')?.configMap;
      expect(configMap).toMatchObject({ name: ANCHOR.name, optional: false });
      expect(configMap?.items?.length).toBeGreaterThan(0);
      expect(
        container.volumeMounts?.some(({ name, mountPath }) => name === 'anchor' && mountPath === '/holdfast'),
      ).toBe(true);
    }
  });

  it('has runtime class and node selector only if they were asked for', () => {
    expect(made().pod).not.toHaveProperty('runtimeClassName');
    expect(made().pod).not.toHaveProperty('nodeSelector');
    const { pod } = made({}, { runtimeClass: 'gvisor', nodeSelector: { disk: 'ssd' }, gracePeriod: '9s' });
    expect(pod).toMatchObject({
      runtimeClassName: 'gvisor',
      nodeSelector: { disk: 'ssd' },
      terminationGracePeriodSeconds: 9,
    });
  });

  it('never has a grace period of 0, with which its object would go before its container', () => {
    expect(made({}, { gracePeriod: '0s' }).pod.terminationGracePeriodSeconds).toBe(1);
  });

  it('is told nothing of what a person wrote in a dollar: Kubernetes gives it back as it was', () => {
    const asKubernetesReads = (text: string) =>
      text.replace(/\$\$|\$\(([^)]*)\)/g, (all) => (all === '$$' ? '$' : 'EXPANDED'));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' ') })), (words) => {
        const { container } = made({
          command: words,
          args: words,
          env: Object.fromEntries(words.map((w, i) => [`V${i}`, w])),
        });
        expect(container.command?.map(asKubernetesReads)).toEqual(words);
        expect(container.args?.map(asKubernetesReads)).toEqual(words);
        expect(container.env?.map(({ value = '' }) => asKubernetesReads(value))).toEqual(words);
      }),
    );
  });
});

describe('files', () => {
  it('are seen where they were asked for, with their bytes and permissions', () => {
    const files = [file('/data/a', 'one'), file('/holdfast/inputs/b', 'two', 0o555), file('/etc/c', 'three')];
    const { anchor, pod, container } = made({ files });
    const items = pod.volumes?.find(({ name }) => name === 'anchor')?.configMap?.items ?? [];
    const seen = files.map(({ path }) => {
      const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === path);
      const place = mount?.subPath ?? path.replace('/holdfast/', '');
      const item = items.find((candidate) => candidate.path === place);
      return [Buffer.from(anchor.binaryData?.[item?.key ?? ''] ?? '', 'base64').toString(), item?.mode];
    });
    expect(seen).toEqual([
      ['one', 0o444],
      ['two', 0o555],
      ['three', 0o444],
    ]);
  });

  it('whose names differ only by folder do not get in each other’s way', () => {
    const { container, pod } = made({ files: [file('/a/x'), file('/b/x'), file('/holdfast/x')] });
    const paths = pod.volumes?.find(({ name }) => name === 'anchor')?.configMap?.items?.map(({ path }) => path) ?? [];
    expect(new Set(paths).size).toBe(4);
    expect(container.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/holdfast', '/a/x', '/b/x', '/tmp']);
  });
});

describe('the anchor', () => {
  it('holds the plan, from which the same Job is made, whoever reads it', () => {
    const first = made({ files: [file('/a/x')], args: ['1'] });
    const again = jobManifest(NAMESPACE_ID, ANCHOR, storedPlan(structuredClone(first.anchor)));
    expect(again).toEqual(first.job);
  });

  it('is the same for the same task, and has another hash when a byte of a file is another', () => {
    expect(made({ files: [file('/a')] })).toEqual(made({ files: [file('/a')] }));
    expect(made({ files: [file('/a', '1')] }).specHash).not.toBe(made({ files: [file('/a', '2')] }).specHash);
  });

  it('refuses a plan beyond the limit, counted in bytes as they are stored, and says both sizes', () => {
    const of = (bytes: number) => ({ files: [{ path: '/a', bytes: new Uint8Array(bytes) }] });
    expect(() => made(of(LIMITS.inputBytes - 2_000))).not.toThrow();
    const refused = { code: 'INPUT_TOO_LARGE', facts: { limit: LIMITS.inputBytes, actual: expect.any(Number) } };
    expect(() => made(of(LIMITS.inputBytes))).toThrow(expect.objectContaining(refused));
    expect(() => made({ args: ['é'.repeat(LIMITS.inputBytes / 2)] })).toThrow(expect.objectContaining(refused));
  });

  it('without a plan is not read as one', () => {
    expect(() => storedPlan({ metadata: { name: 'x' } })).toThrow(/holds no plan/);
  });
});

it('the container has the name under which its log is kept', () => {
  expect(made().container.name).toBe(CONTAINER);
});

function file(path: string, text = 'text', mode?: number) {
  return { path, bytes: Buffer.from(text), ...(mode !== undefined && { mode }) };
}

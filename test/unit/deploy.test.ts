import { readdirSync, readFileSync } from 'node:fs';
import {
  loadAllYaml,
  loadYaml,
  type V1Deployment,
  type V1NetworkPolicy,
  type V1PersistentVolumeClaim,
  type V1Role,
  type V1Service,
} from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { LABEL, MANAGED_BY } from '../../src/fence.ts';

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(at(path), 'utf8');

interface Kind {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function objectOf<T extends { kind?: string }>(file: string, kind: T['kind']): T {
  const found = (loadAllYaml(read(`deploy/${file}`)) as Kind[]).find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`deploy/${file} has no ${kind}`);
  return found as unknown as T;
}

const kustomization = loadYaml<{
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly literals: readonly string[] }[];
}>(read('deploy/kustomization.yaml'));

describe("the worker's role", () => {
  const VERBS: Readonly<Record<string, string>> = {
    create: 'create',
    read: 'get',
    list: 'list',
    patch: 'patch',
    delete: 'delete',
  };
  const RESOURCES: Readonly<Record<string, string>> = {
    ConfigMap: 'configmaps',
    Job: 'jobs',
    Pod: 'pods',
    Event: 'events',
  };

  /** What the calls to Kubernetes in src need, as `verb resource`. */
  function needed(): readonly string[] {
    const files = readdirSync(at('src'), { recursive: true, encoding: 'utf8' });
    const source = files.flatMap((file) => (file.endsWith('.ts') ? [read(`src/${file}`)] : [])).join('\n');
    const calls = [...source.matchAll(/\.(create|read|list|patch|delete|replace)Namespaced(\w+)\(/g)].map(
      ([, verb = '', kind = '']) => `${VERBS[verb] ?? verb} ${RESOURCES[kind] ?? kind}`,
    );
    const watches = [...source.matchAll(/#informer\(config, `[^`]*\/(\w+)`/g)].map(([, kind]) => `watch ${kind}`);
    const logs = /\/pods\/[^`]*\/log`/.test(source) ? ['get pods/log'] : [];
    return [...new Set([...calls, ...watches, ...logs])].toSorted();
  }

  it('allows exactly what the code does, and nothing more', () => {
    const { rules = [] } = objectOf<V1Role>('rbac.yaml', 'Role');
    const allowed = rules.flatMap(({ verbs, resources = [] }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    expect(needed()).toContain('watch jobs');
    expect(allowed.toSorted()).toEqual(needed());
  });

  it('reaches beyond its namespace only where the reader asks for it', () => {
    expect(kustomization.resources).not.toContain('rbac-nodes.yaml');
    const kinds = kustomization.resources.flatMap((file) =>
      (loadAllYaml(read(`deploy/${file}`)) as Kind[]).map(({ kind }) => kind),
    );
    expect(kinds.filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
  });
});

describe('the worker in the cluster', () => {
  const { template } = objectOf<V1Deployment>('worker.yaml', 'Deployment').spec ?? {};
  const [container] = template?.spec?.containers ?? [];

  it('is given variables that the worker knows, with values that it accepts', () => {
    const known = [...read('src/config.ts').matchAll(/^ {2}(HOLDFAST_\w+): /gm)].map(([, name]) => name);
    const fixed = container?.env?.map(({ name, value = 'holdfast' }) => [name, value] as const) ?? [];
    const chosen = (kustomization.configMapGenerator[0]?.literals ?? []).map(
      (pair) => pair.split('=') as [string, string],
    );
    const env = Object.fromEntries([...fixed, ...chosen]);
    for (const name of Object.keys(env)) if (name.startsWith('HOLDFAST_')) expect(known).toContain(name);
    const config = readConfig({ ...env, XDG_STATE_HOME: '/nowhere' });
    expect(config.kubernetes).toMatchObject({ context: 'in-cluster', namespace: 'holdfast' });
    expect(container?.envFrom?.[0]?.configMapRef?.name).toBe(kustomization.configMapGenerator[0]?.name);
  });

  it('is given longer to end than it takes to hand over what it does', () => {
    const [, grace] = /shutdownGraceTime: '(\d+)s'/.exec(read('src/worker.ts')) ?? [];
    expect(template?.spec?.terminationGracePeriodSeconds).toBeGreaterThan(Number(grace) + 5);
  });

  it('serves its metrics at the port that it says', () => {
    const address = container?.env?.find(({ name }) => name === 'HOLDFAST_METRICS_ADDRESS')?.value ?? '';
    const [port] = container?.ports ?? [];
    expect(address).toBe(`0.0.0.0:${port?.containerPort}`);
    expect(template?.metadata?.annotations?.['prometheus.io/port']).toBe(String(port?.containerPort));
    expect(read('deploy/README.md')).toContain(`- port: ${port?.name}\n`);
  });

  it('keeps its logs on the volume', () => {
    const folder = container?.env?.find(({ name }) => name === 'HOLDFAST_LOG_DIR')?.value ?? '';
    const mount = container?.volumeMounts?.find(({ mountPath }) => folder.startsWith(`${mountPath}/`));
    const volume = template?.spec?.volumes?.find(({ name }) => name === mount?.name);
    expect(volume?.persistentVolumeClaim?.claimName).toBe(
      objectOf<V1PersistentVolumeClaim>('worker.yaml', 'PersistentVolumeClaim').metadata?.name,
    );
  });

  it('is not denied the network by the policy that denies it to tasks', () => {
    const selector = objectOf<V1NetworkPolicy>('network-policy.yaml', 'NetworkPolicy').spec?.podSelector?.matchLabels;
    expect(selector).toEqual({ [LABEL.managedBy]: MANAGED_BY, [LABEL.network]: 'none' });
    expect(Object.keys(template?.metadata?.labels ?? {})).not.toContain(LABEL.network);
  });
});

describe('the gateway in the cluster', () => {
  const { template } = objectOf<V1Deployment>('gateway.yaml', 'Deployment').spec ?? {};
  const [container] = template?.spec?.containers ?? [];
  const env = Object.fromEntries(container?.env?.map(({ name, value = '' }) => [name, value]) ?? []);

  it('is given variables that it accepts, and listens where probes and Service look for it', () => {
    const { gateway, logDir } = readConfig({ ...env, XDG_STATE_HOME: '/nowhere' });
    expect(gateway).toMatchObject({ host: '0.0.0.0', port: container?.ports?.[0]?.containerPort, open: false });
    expect(template?.metadata?.annotations?.['prometheus.io/port']).toBe(String(gateway.port));
    const service = objectOf<V1Service>('gateway.yaml', 'Service').spec;
    expect(service?.ports?.[0]?.targetPort).toBe(container?.ports?.[0]?.name);
    expect(template?.metadata?.labels).toMatchObject(service?.selector ?? { none: '' });
    for (const path of [gateway.keys ?? '', logDir])
      expect(
        container?.volumeMounts?.some(({ mountPath }) => path.startsWith(`${mountPath}/`)),
        path,
      ).toBe(true);
  });

  it('has no account, and longer to end than it takes to end what it has begun', () => {
    expect(template?.spec?.automountServiceAccountToken).toBe(false);
    const [, limit] = /STOP_MS = (\d+)_000/.exec(read('src/gateway/serve.ts')) ?? [];
    const pause = container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
    expect(template?.spec?.terminationGracePeriodSeconds).toBeGreaterThan(Number(limit) + pause + 5);
  });
});

it('every manifest that is named is there, and all are in the namespace of the worker', () => {
  const files = readdirSync(at('deploy')).filter((file) => file.endsWith('.yaml'));
  const told = read('deploy/kustomization.yaml') + read('deploy/README.md');
  for (const file of files) expect(told).toContain(file);
  for (const file of kustomization.resources) expect(files).toContain(file);
  const namespaces = kustomization.resources.flatMap((file) =>
    (loadAllYaml(read(`deploy/${file}`)) as Kind[]).flatMap(({ metadata }) => metadata.namespace ?? []),
  );
  expect(new Set(namespaces)).toEqual(new Set(['holdfast']));
});

import { readdirSync, readFileSync } from 'node:fs';
import {
  loadAllYaml,
  loadYaml,
  type V1Deployment,
  type V1NetworkPolicy,
  type V1PersistentVolumeClaim,
  type V1Role,
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

function allowedIn(file: string): readonly string[] {
  const { rules = [] } = objectOf<V1Role>(file, 'Role');
  const allowed = rules.flatMap(({ verbs, resources = [] }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
  return allowed.toSorted();
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
    expect(needed()).toContain('watch jobs');
    expect(allowedIn('rbac.yaml')).toEqual(needed());
  });

  it('reaches beyond its namespace only where the reader asks for it', () => {
    expect(kustomization.resources).not.toContain('rbac-nodes.yaml');
    const kinds = kustomization.resources.flatMap((file) =>
      (loadAllYaml(read(`deploy/${file}`)) as Kind[]).map(({ kind }) => kind),
    );
    expect(kinds.filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
  });
});

it('the role of whoever kills allows exactly what src/kill does in the namespace', () => {
  const RESOURCES: Readonly<Record<string, string>> = { Anchor: 'configmaps', Job: 'jobs', Pod: 'pods' };
  const source = readdirSync(at('src/kill'))
    .map((file) => read(`src/kill/${file}`))
    .join('\n');
  const calls = [...source.matchAll(/\bapi\.([a-z]+)(Anchor|Job|Pod)s?\(/g)].map(
    ([, verb, kind = '']) => `${verb} ${RESOURCES[kind]}`,
  );
  const watches = [...source.matchAll(/#path = `[^`]*\/(\w+)`/g)].map(([, kind]) => `watch ${kind}`);
  expect(watches).toEqual(['watch pods']);
  expect(allowedIn('rbac-kill.yaml')).toEqual([...new Set([...calls, ...watches])].toSorted());
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

import { readdirSync, readFileSync } from 'node:fs';
import {
  loadAllYaml,
  loadYaml,
  type V1Deployment,
  type V1NetworkPolicy,
  type V1PersistentVolumeClaim,
  type V1Role,
  type V1RoleBinding,
  type V1Service,
  type V1ServiceAccount,
} from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { WORKER_FLAGS, WORKER_ENVIRONMENT } from '../../dev/worker-command.ts';
import { createProgram } from '../../src/cli/program.ts';
import { readConfig } from '../../src/config.ts';
import { TASK_QUEUE } from '../../src/contract.ts';
import { LABEL, MANAGED_BY } from '../../src/fence.ts';

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(at(path), 'utf8');

interface Kind {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function objectOf<T extends { kind?: string }>(file: string, kind: T['kind'], name?: string): T {
  const objects = loadAllYaml(read(`deploy/${file}`)) as Kind[];
  const found = objects.find(
    (object) => object.kind === kind && object.metadata.name === (name ?? object.metadata.name),
  );
  if (found === undefined) throw new Error(`deploy/${file} has no ${kind} ${name ?? ''}`);
  return found as unknown as T;
}

const kustomization = loadYaml<{
  readonly resources: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly literals: readonly string[] }[];
}>(read('deploy/kustomization.yaml'));

/** The words of RBAC for a call of the generated client: `verb resource`. */
function rightOf(verb: string, kind: string): string {
  const VERBS: Readonly<Record<string, string>> = { read: 'get' };
  const RESOURCES: Readonly<Record<string, string>> = {
    ConfigMap: 'configmaps',
    Job: 'jobs',
    Pod: 'pods',
    Event: 'events',
  };
  return `${VERBS[verb] ?? verb} ${RESOURCES[kind] ?? kind}`;
}

function rightsIn(source: string): readonly string[] {
  const calls = [...source.matchAll(/\.(create|read|list|patch|delete|replace)Namespaced(\w+)\(/g)].map(
    ([, verb = '', kind = '']) => rightOf(verb, kind),
  );
  const watches = [...source.matchAll(/#listing<\w+>\(`[^`]*\/(\w+)`/g)].map(([, kind]) => `watch ${kind}`);
  const logs = /\/pods\/[^`]*\/log`/.test(source) ? ['get pods/log'] : [];
  return [...new Set([...calls, ...watches, ...logs])].toSorted();
}

function allowedTo(role: string, file = 'rbac.yaml'): readonly string[] {
  const { rules = [] } = objectOf<V1Role>(file, 'Role', role);
  const allowed = rules.flatMap(({ verbs, resources = [] }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
  return allowed.toSorted();
}

describe("the worker's role", () => {
  it('allows exactly what the code does, and nothing more', () => {
    const files = readdirSync(at('src'), { recursive: true, encoding: 'utf8' });
    const needed = rightsIn(files.flatMap((file) => (file.endsWith('.ts') ? [read(`src/${file}`)] : [])).join('\n'));
    expect(needed).toContain('watch jobs');
    expect(allowedTo('holdfast-worker')).toEqual(needed);
  });

  it('reaches beyond its namespace only where the reader asks for it', () => {
    expect(kustomization.resources).not.toContain('rbac-nodes.yaml');
    const kinds = kustomization.resources.flatMap((file) =>
      (loadAllYaml(read(`deploy/${file}`)) as Kind[]).map(({ kind }) => kind),
    );
    expect(kinds.filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
  });
});

describe("the sweeper's role", () => {
  /** The methods of JobsApi, each with its text. */
  const methods = new Map(
    read('src/kubernetes/jobs-api.ts')
      .split(/\n(?= {2}(?:async )?\*?\w+\()/)
      .map((text) => [/^ *(?:async )?\*?(\w+)\(/.exec(text)?.[1] ?? '', text]),
  );

  it('allows exactly what a sweep does without a worker: it creates, changes and reads no more', () => {
    const files = [
      ...readdirSync(at('src/sweeper')).map((file) => `src/sweeper/${file}`),
      'src/activities/remove-run.ts',
      'src/activities/world.ts',
    ];
    const calls = files.flatMap((file) => [...read(file).matchAll(/\bapi\.(\w+)\(/g)].map(([, name = '']) => name));
    expect(calls).toContain('listMarks');
    const source = [...new Set(calls)].map((name) => methods.get(name) ?? '').join('\n');
    expect(allowedTo('holdfast-sweeper')).toEqual(rightsIn(source + read('src/kubernetes/run-watch.ts')));
  });
});

describe('the sweeper in the cluster', () => {
  const { template, replicas } = objectOf<V1Deployment>('sweeper.yaml', 'Deployment').spec ?? {};
  const [container] = template?.spec?.containers ?? [];

  it('is applied with everything else, as the account that may sweep', () => {
    expect(kustomization.resources).toContain('sweeper.yaml');
    expect([template?.spec?.serviceAccountName, replicas]).toEqual(['holdfast-sweeper', 1]);
  });

  it('sweeps with words that the command line knows, and asks the Temporal of the workers', () => {
    const [program, verb, ...options] = container?.args ?? [];
    const sweep = createProgram(() => undefined).commands.find((command) => command.name() === verb);
    expect([program, verb]).toEqual(['holdfast', 'sweep']);
    expect(sweep?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
    const worker = objectOf<V1Deployment>('worker.yaml', 'Deployment').spec?.template.spec?.containers[0];
    expect(container?.envFrom).toEqual(worker?.envFrom);
    expect(worker?.env).toEqual(expect.arrayContaining(container?.env ?? []));
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
  const watches = [...source.matchAll(/\bpath: `[^`]*\/(\w+)`/g)].map(([, kind]) => `watch ${kind}`);
  expect(watches).toEqual(['watch pods']);
  expect(allowedTo('holdfast-kill', 'rbac-kill.yaml')).toEqual([...new Set([...calls, ...watches])].toSorted());
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

  it('is given by its Secret, as README.md makes it, what Temporal asks for: a certificate or a key', () => {
    const names = [...read('deploy/README.md').matchAll(/(TEMPORAL_(?:API_KEY|TLS_\w+))=/g)].map(
      ([, name = '']) => name,
    );
    const secret = Object.fromEntries(names.map((name) => [name, name]));
    const { connectionOptions } = readConfig({ ...secret, XDG_STATE_HOME: '/nowhere' }).temporal;
    const bytes = (name: string) => Uint8Array.from(Buffer.from(name));
    expect(connectionOptions).toMatchObject({
      apiKey: 'TEMPORAL_API_KEY',
      tls: {
        clientCertPair: { crt: bytes('TEMPORAL_TLS_CLIENT_CERT_DATA'), key: bytes('TEMPORAL_TLS_CLIENT_KEY_DATA') },
        serverRootCACertificate: bytes('TEMPORAL_TLS_SERVER_CA_CERT_DATA'),
        serverNameOverride: 'TEMPORAL_TLS_SERVER_NAME',
      },
    });
    expect(container?.envFrom?.map(({ secretRef }) => secretRef?.name)).toContain('holdfast-worker');
  });

  it('is begun in its image as it is measured', () => {
    const dockerfile = read('Dockerfile');
    const command = ['node', ...WORKER_FLAGS, 'src/worker.ts'];
    expect(dockerfile).toContain(`CMD ["${command.join('", "')}"]`);
    for (const name of Object.keys(WORKER_ENVIRONMENT)) expect(dockerfile).toContain(`${name}=`);
    // Node keeps what V8 compiled for each user apart: it must be made by the one that uses it.
    expect(dockerfile).toMatch(/^USER node\nENV NODE_COMPILE_CACHE=.+\nRUN node /m);
    const { MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_ } = WORKER_ENVIRONMENT;
    expect(dockerfile).toContain(
      `MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_}`,
    );
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

describe('the gateway that may kill', () => {
  const patch = objectOf<V1Deployment>('gateway-kill/deployment.yaml', 'Deployment');
  const { spec: pod } = patch.spec?.template ?? {};

  it('has an account, bound to the role of whoever kills, and to no other', () => {
    const account = objectOf<V1ServiceAccount>('gateway-kill/account.yaml', 'ServiceAccount').metadata;
    const { roleRef, subjects } = objectOf<V1RoleBinding>('gateway-kill/account.yaml', 'RoleBinding');
    expect(pod).toMatchObject({ serviceAccountName: account?.name, automountServiceAccountToken: true });
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name: account?.name, namespace: account?.namespace }]);
    expect(roleRef).toMatchObject({ kind: 'Role', name: objectOf<V1Role>('rbac-kill.yaml', 'Role').metadata?.name });
  });

  it('is the gateway, told which cluster; and only if somebody asks for it', () => {
    const gateway = objectOf<V1Deployment>('gateway.yaml', 'Deployment');
    expect(patch.metadata).toEqual({ name: gateway.metadata?.name, namespace: gateway.metadata?.namespace });
    const [container] = pod?.containers ?? [];
    expect(container?.name).toBe(gateway.spec?.template.spec?.containers[0]?.name);
    const env = Object.fromEntries(container?.env?.map(({ name, value = 'holdfast' }) => [name, value]) ?? []);
    expect(readConfig({ ...env, XDG_STATE_HOME: '/nowhere' }).kubernetes).toMatchObject({ context: 'in-cluster' });
    expect(kustomization.components ?? []).toEqual([]);
  });
});

describe('the alerts', () => {
  const rules = read('deploy/alerts.yaml');

  it('name the task queue of the worker', () => {
    const queues = [...rules.matchAll(/task_queue="([^"]+)"/g)].map(([, queue]) => queue);
    expect(new Set(queues)).toEqual(new Set([TASK_QUEUE]));
  });

  it('stand in docs/runbook.md with what to do, and no other does', () => {
    const table = read('docs/runbook.md').split('\n### Alerts')[1]?.split('\n## ')[0] ?? '';
    const told = [...table.matchAll(/^\| `(Holdfast\w+)`/gm)].map(([, name]) => name);
    expect(told).toEqual([...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name));
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

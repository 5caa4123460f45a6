import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IN_CLUSTER, readConfig, unknownVariables } from '../../src/config.ts';
import { TASK_QUEUE } from '../../src/contract.ts';
import { HoldfastError } from '../../src/errors.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';

let empty: string;
let local: string;
const LOCAL = {
  TEMPORAL_ADDRESS: '127.0.0.1:1111',
  TEMPORAL_NAMESPACE: 'local',
  KUBECONFIG: '/local/kubeconfig',
  HOLDFAST_KUBE_CONTEXT: 'local-context',
  HOLDFAST_KUBE_NAMESPACE: 'local-namespace',
  HOLDFAST_LOG_DIR: '/local/logs',
  HOLDFAST_PYTHON_IMAGE: 'local/python',
};

/** State folders: one where no environment is up, one where one is. HOME is empty, so no temporal.toml has a say. */
beforeAll(() => {
  [empty, local] = [0, 0].map(() => mkdtempSync(join(tmpdir(), 'holdfast-config-'))) as [string, string];
  mkdirSync(join(local, 'holdfast'));
  writeFileSync(join(local, 'holdfast', 'env.json'), JSON.stringify(LOCAL));
});
afterAll(() => [empty, local].forEach((folder) => rmSync(folder, { recursive: true })));

type Given = Readonly<Record<string, string | undefined>>;
const alone = (env: Given = {}) => readConfig({ XDG_STATE_HOME: empty, HOME: empty, XDG_CONFIG_HOME: empty, ...env });
const beside = (env: Given = {}) => readConfig({ XDG_STATE_HOME: local, HOME: empty, XDG_CONFIG_HOME: empty, ...env });

function problemsOf(env: Given): Record<string, string> {
  try {
    alone(env);
    return {};
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'CONFIG_INVALID') throw error;
    const { problems } = error.facts as { problems?: { field: string; message: string }[] };
    return Object.fromEntries((problems ?? []).map(({ field, message }) => [field, message]));
  }
}

describe('with nothing said', () => {
  it('everything has its default, and no cluster is chosen', () => {
    expect(alone()).toMatchObject({
      temporal: { namespace: 'default' },
      kubernetes: { context: undefined, kubeconfig: undefined, namespace: 'holdfast', deadlineMs: 5_000 },
      logDir: join(empty, 'holdfast', 'task-logs'),
      pythonImage: 'python:3.12-slim',
      taskQueue: TASK_QUEUE,
      maxTasks: 2_000,
      limits: undefined,
      sweepSeconds: 60,
      sweepRules: { minAgeSeconds: 30, maxPercent: 50 },
      workflowBundle: undefined,
      metricsAddress: undefined,
      gateway: { host: '127.0.0.1', port: 8080, open: false, keys: undefined, issuer: undefined, audience: 'holdfast' },
      api: undefined,
      logLevel: 'info',
    });
    expect(() => loadKubeConfig(alone().kubernetes)).toThrow(/HOLDFAST_KUBE_CONTEXT is not set/);
  });

  it('empty variables, as Compose hands them over, are not said', () => {
    const names = [
      'HOLDFAST_KUBE_CONTEXT',
      'HOLDFAST_SWEEP_SECONDS',
      'HOLDFAST_LOG_LEVEL',
      'TEMPORAL_ADDRESS',
      'KUBECONFIG',
    ];
    expect(alone(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(alone());
    expect(beside(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(beside());
  });
});

it('a gateway is named with its key, whatever stands around that in its file', () => {
  const api = { url: 'http://h:8080', token: 'k' };
  expect(alone({ HOLDFAST_URL: api.url, HOLDFAST_API_KEY: ' k\n' })).toMatchObject({ api });
});

describe('every variable', () => {
  it.each<[string, string, object]>([
    ['TEMPORAL_ADDRESS', 'temporal:7233', { temporal: { connectionOptions: { address: 'temporal:7233' } } }],
    ['TEMPORAL_NAMESPACE', 'team', { temporal: { namespace: 'team' } }],
    ['HOLDFAST_KUBE_CONTEXT', 'prod', { kubernetes: { context: 'prod' } }],
    ['HOLDFAST_KUBE_NAMESPACE', 'team-a', { kubernetes: { namespace: 'team-a' } }],
    ['KUBECONFIG', '/k', { kubernetes: { kubeconfig: '/k' } }],
    ['HOLDFAST_LOG_DIR', '/logs', { logDir: '/logs' }],
    ['HOLDFAST_PYTHON_IMAGE', 'python:3.13', { pythonImage: 'python:3.13' }],
    ['HOLDFAST_TASK_QUEUE', 'q', { taskQueue: 'q' }],
    ['HOLDFAST_MAX_TASKS', '1', { maxTasks: 1 }],
    ['HOLDFAST_MAX_RUNNING', '20', { limits: { running: 20 } }],
    ['HOLDFAST_MAX_RUNNING', '0', { limits: undefined }],
    ['HOLDFAST_MAX_RUNNING_PER_TENANT', '5000', { limits: { perTenant: 5_000 } }],
    ['HOLDFAST_KUEUE_QUEUE', 'team-a.gpu', { kueueQueue: 'team-a.gpu', limits: undefined }],
    ['HOLDFAST_KUBE_DEADLINE_MS', '100', { kubernetes: { deadlineMs: 100 } }],
    ['HOLDFAST_SWEEP_SECONDS', '0', { sweepSeconds: 0 }],
    ['HOLDFAST_SWEEP_MIN_AGE_SECONDS', '0', { sweepRules: { minAgeSeconds: 0 } }],
    ['HOLDFAST_SWEEP_MAX_PERCENT', '100', { sweepRules: { maxPercent: 100 } }],
    ['HOLDFAST_WORKFLOW_BUNDLE', '/b.js', { workflowBundle: '/b.js' }],
    ['HOLDFAST_METRICS_ADDRESS', '127.0.0.1:9464', { metricsAddress: '127.0.0.1:9464' }],
    ['HOLDFAST_METRICS_ADDRESS', '[::]:9464', { metricsAddress: '[::]:9464' }],
    ['HOLDFAST_GATEWAY_ADDRESS', '[::1]:80', { gateway: { host: '::1', port: 80 } }],
    ['HOLDFAST_GATEWAY_AUTH', 'none', { gateway: { open: true } }],
    ['HOLDFAST_GATEWAY_KEYS', '/k', { gateway: { keys: '/k', open: false } }],
    ['HOLDFAST_GATEWAY_ISSUER', 'https://i', { gateway: { issuer: 'https://i' } }],
    ['HOLDFAST_GATEWAY_AUDIENCE', 'a', { gateway: { audience: 'a' } }],
    ['HOLDFAST_GATEWAY_RATE', '5', { gateway: { rate: 5 } }],
    ['HOLDFAST_GATEWAY_PROXIES', '10.0.0.0/8, ::1', { gateway: { proxies: ['10.0.0.0/8', '::1'] } }],
    ['HOLDFAST_GATEWAY_RETENTION_HOURS', '72', { gateway: { retentionHours: 72 } }],
    ['HOLDFAST_LOG_RETENTION_HOURS', '0', { logRetentionHours: 0 }],
    ['HOLDFAST_URL', 'https://h/x', { api: { url: 'https://h/x', token: undefined } }],
    ['HOLDFAST_API_KEY', 'k', { api: undefined }],
    ['HOLDFAST_LOG_LEVEL', 'trace', { logLevel: 'trace' }],
  ])('%s is taken as it is given', (name, value, expected) => {
    expect(alone({ [name]: value })).toMatchObject(expected);
    expect(beside({ [name]: value })).toMatchObject(expected);
  });

  it.each([
    ['HOLDFAST_URL', 'h:8080'],
    ['HOLDFAST_URL', 'https://me:secret@h'],
    ['HOLDFAST_URL', 'https://h/?key=secret'],
    ['HOLDFAST_KUBE_NAMESPACE', 'Team_A'],
    ['HOLDFAST_KUBE_NAMESPACE', 'a'.repeat(64)],
    ['HOLDFAST_TASK_QUEUE', 'q'.repeat(201)],
    ['HOLDFAST_MAX_TASKS', '0'],
    ['HOLDFAST_MAX_TASKS', 'many'],
    ['HOLDFAST_MAX_TASKS', '1.5'],
    ['HOLDFAST_MAX_RUNNING', '-1'],
    ['HOLDFAST_MAX_RUNNING', '5001'],
    ['HOLDFAST_MAX_RUNNING_PER_TENANT', 'few'],
    ['HOLDFAST_KUEUE_QUEUE', 'Team A'],
    ['HOLDFAST_KUEUE_QUEUE', 'a'.repeat(64)],
    ['HOLDFAST_KUEUE_QUEUE', 'a..b'],
    ['HOLDFAST_KUBE_DEADLINE_MS', '99'],
    ['HOLDFAST_KUBE_DEADLINE_MS', '20001'],
    ['HOLDFAST_SWEEP_SECONDS', '-1'],
    ['HOLDFAST_SWEEP_MIN_AGE_SECONDS', '86401'],
    ['HOLDFAST_SWEEP_MAX_PERCENT', '101'],
    ['HOLDFAST_SWEEP_SECONDS', 'off'],
    ['HOLDFAST_SWEEP_SECONDS', ' '],
    ['HOLDFAST_METRICS_ADDRESS', '9464'],
    ['HOLDFAST_METRICS_ADDRESS', 'localhost:9464'],
    ['HOLDFAST_METRICS_ADDRESS', '127.0.0.1:0'],
    ['HOLDFAST_METRICS_ADDRESS', '127.0.0.1:65536'],
    ['HOLDFAST_METRICS_ADDRESS', '::1:9464'],
    ['HOLDFAST_GATEWAY_ADDRESS', 'localhost:8080'],
    ['HOLDFAST_GATEWAY_AUTH', 'no'],
    ['HOLDFAST_GATEWAY_ISSUER', 'issuer'],
    ['HOLDFAST_GATEWAY_RATE', '0'],
    ['HOLDFAST_GATEWAY_PROXIES', 'proxy.example'],
    ['HOLDFAST_GATEWAY_PROXIES', '10.0.0.0/33'],
    ['HOLDFAST_GATEWAY_RETENTION_HOURS', '0'],
    ['HOLDFAST_LOG_RETENTION_HOURS', '30d'],
    ['HOLDFAST_LOG_LEVEL', 'loud'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(Object.keys(problemsOf({ [name]: value }))).toEqual([name]);
  });

  it('that is wrong is told with all others that are', () => {
    const wrong = { HOLDFAST_KUBE_NAMESPACE: '-', HOLDFAST_MAX_TASKS: 'x', HOLDFAST_LOG_LEVEL: 'x' };
    expect(Object.keys(problemsOf(wrong)).toSorted()).toEqual(Object.keys(wrong).toSorted());
    expect(() => alone(wrong)).toThrow(/HOLDFAST_KUBE_NAMESPACE.*HOLDFAST_MAX_TASKS.*HOLDFAST_LOG_LEVEL/);
  });

  it.each(['HOLDFAST_MAX_RUNNING', 'HOLDFAST_MAX_RUNNING_PER_TENANT'])(
    'HOLDFAST_KUEUE_QUEUE beside %s is refused',
    (limit) =>
      expect(() => alone({ HOLDFAST_KUEUE_QUEUE: 'team-a', [limit]: '1' })).toThrow(
        /HOLDFAST_KUEUE_QUEUE: does not go with/,
      ),
  );

  it('of Temporal that is wrong is refused too', () => {
    expect(() => alone({ TEMPORAL_CONFIG_FILE: join(empty, 'absent.toml'), TEMPORAL_PROFILE: 'absent' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('variables that look like ours', () => {
  it('and are not are named; those of Kubernetes, and those that are known, are not', () => {
    const known = { HOLDFAST_MAX_RUNNING: '1', HOLDFAST_GATEWAY_SERVICE_HOST: 'h', HOLDFAST_GATEWAY_PORT_80_TCP: 't' };
    expect(unknownVariables({ ...known, HOLDFAST_MAX_RUNING: '1', PATH: '' })).toEqual(['HOLDFAST_MAX_RUNING']);
  });
});

describe('a local environment that is up', () => {
  it('is used where nothing else is said', () => {
    expect(beside()).toMatchObject({
      temporal: { namespace: 'local', connectionOptions: { address: '127.0.0.1:1111' } },
      kubernetes: { context: 'local-context', kubeconfig: '/local/kubeconfig', namespace: 'local-namespace' },
      logDir: '/local/logs',
      pythonImage: 'local/python',
    });
  });

  it.each([{ KUBECONFIG: '/mine' }, { HOLDFAST_KUBE_CONTEXT: 'mine' }, { HOLDFAST_KUBE_CONTEXT: IN_CLUSTER }])(
    'gives nothing of its cluster to one who names another: %o',
    (env) => {
      const { kubernetes, pythonImage, temporal } = beside(env);
      expect(JSON.stringify({ kubernetes, pythonImage })).not.toContain('local');
      expect(temporal.namespace).toBe('local');
    },
  );

  it.each([{ TEMPORAL_ADDRESS: 'mine:7233' }, { TEMPORAL_NAMESPACE: 'mine' }, { TEMPORAL_API_KEY: 'k' }])(
    'gives nothing of its Temporal, nor of its cluster, to one who names another: %o',
    (env) => {
      const { temporal, kubernetes, pythonImage } = beside(env);
      expect(JSON.stringify(temporal)).not.toMatch(/local"|1111/);
      expect(JSON.stringify({ kubernetes, pythonImage })).not.toContain('local');
    },
  );

  it('gives its cluster to one who names its Temporal', () => {
    const { TEMPORAL_ADDRESS } = LOCAL;
    const { temporal, kubernetes } = beside({ TEMPORAL_ADDRESS });
    expect([temporal.namespace, kubernetes.context]).toEqual(['local', 'local-context']);
    expect(beside({ TEMPORAL_ADDRESS, TEMPORAL_API_KEY: 'k' }).kubernetes.context).toBe('local-context');
    expect(beside({ TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: 'mine' }).kubernetes.context).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '7'])('whose file holds %j counts as none', (text) => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
    mkdirSync(join(folder, 'holdfast'));
    writeFileSync(join(folder, 'holdfast', 'env.json'), text);
    const config = readConfig({ XDG_STATE_HOME: folder, HOME: empty, XDG_CONFIG_HOME: empty });
    expect(config.kubernetes.context).toBeUndefined();
    rmSync(folder, { recursive: true });
  });
});

describe('the cluster', () => {
  it('is the context named, never the current one, and one that is not there is refused by name', () => {
    const file = join(empty, 'kubeconfig');
    const context = (name: string) => ({ name, context: { cluster: name, user: name } });
    const cluster = (name: string) => ({ name, cluster: { server: `https://${name}` } });
    writeFileSync(
      file,
      JSON.stringify({
        'current-context': 'a',
        clusters: [cluster('a'), cluster('b')],
        contexts: [context('a'), context('b')],
        users: [{ name: 'a' }, { name: 'b' }],
      }),
    );
    const load = (name: string) => loadKubeConfig(alone({ KUBECONFIG: file, HOLDFAST_KUBE_CONTEXT: name }).kubernetes);
    expect(load('b').getCurrentCluster()?.server).toBe('https://b');
    expect(() => load('c')).toThrow(/no context c; it has a, b/);
  });

  it('that the worker runs in is taken only when it is named so', () => {
    const { kubernetes } = alone({ HOLDFAST_KUBE_CONTEXT: IN_CLUSTER });
    expect(loadKubeConfig(kubernetes).getCurrentContext()).toBe('inClusterContext');
  });
});

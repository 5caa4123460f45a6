/**
 * The only reader of process.env. Every variable, its unit and its default is in the table below; a wrong one is
 * refused with all the others that are wrong. A local environment that is up (`npm run up`) leaves its addresses in a
 * file of the user's; they hold where nothing else is said.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { TASK_QUEUE } from './contract.ts';
import { HoldfastError } from './errors.ts';
import type { Limits } from './limits/contract.ts';

/** Value of HOLDFAST_KUBE_CONTEXT for a worker that runs in the cluster it makes Jobs in. */
export const IN_CLUSTER = 'in-cluster';

const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a Kubernetes namespace name');
/** What a label's value may hold, too. */
const localQueue = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'must be the name of a LocalQueue');
const count = (min: number, max: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max));

/** `127.0.0.1:9464` or `[::1]:9464`: what is bound has no name. */
function isSocketAddress(text: string): boolean {
  const [, host = '', port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const bracketed = /^\[(.*)\]$/.exec(host)?.[1];
  const hostIsGood = bracketed === undefined ? isIP(host) === 4 : isIP(bracketed) === 6;
  return hostIsGood && Number(port) >= 1 && Number(port) <= 65_535;
}

const socketAddress = z.string().refine(isSocketAddress, 'must be an IP address and a port, e.g. 127.0.0.1:9464');

const BARE = 'must have no user, query or fragment; the key goes into HOLDFAST_API_KEY';

function isBare(url: string): boolean {
  return !URL.canParse(url) || /^[^@?#]*$/.test(url);
}

/** `10.0.0.7` or `10.0.0.0/8`. */
function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
}

const networks = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every(isNetwork), 'must be IP addresses or networks, e.g. 10.0.0.0/8, with commas between');

const variables = z.object({
  /** Name of a context in the kubeconfig, or `in-cluster`. The worker has no default: never silently the current one. */
  HOLDFAST_KUBE_CONTEXT: z.string().min(1).optional(),
  /** Namespace in which Jobs are made. */
  HOLDFAST_KUBE_NAMESPACE: dnsLabel.default('holdfast'),
  /** Path of the kubeconfig; Kubernetes' own default otherwise. */
  KUBECONFIG: z.string().min(1).optional(),
  /** Where output is kept when Pods are gone. */
  HOLDFAST_LOG_DIR: z.string().min(1).optional(),
  /** How long output is kept there after its last line, of tasks that are over. Hours; 0: for ever. */
  HOLDFAST_LOG_RETENTION_HOURS: count(0, 87_600).default(720),
  HOLDFAST_PYTHON_IMAGE: z.string().min(1).default('python:3.12-slim'),
  HOLDFAST_TASK_QUEUE: z.string().min(1).max(200).default(TASK_QUEUE),
  /** Tasks that one worker follows at the same time. */
  HOLDFAST_MAX_TASKS: count(1, 20_000).default(2_000),
  /** Tasks of the task queue that may have containers at the same time; 0: as many as there are. */
  HOLDFAST_MAX_RUNNING: count(0, 5_000).default(0),
  /** The same, of one tenant. */
  HOLDFAST_MAX_RUNNING_PER_TENANT: count(0, 5_000).default(0),
  /** A LocalQueue of Kueue in the namespace of the Jobs, from which they are started. None: they are started at once. */
  HOLDFAST_KUEUE_QUEUE: localQueue.optional(),
  /** Deadline of one request to Kubernetes. Milliseconds. */
  HOLDFAST_KUBE_DEADLINE_MS: count(100, 20_000).default(5_000),
  /** Between two looks for what no task owns any more. Seconds; 0 turns it off. */
  HOLDFAST_SWEEP_SECONDS: count(0, 86_400).default(60),
  /** The sweeper leaves what is younger alone. Seconds. */
  HOLDFAST_SWEEP_MIN_AGE_SECONDS: count(0, 86_400).default(30),
  /** If more of all runs have no open task, and at least 10, the sweeper removes none of them. */
  HOLDFAST_SWEEP_MAX_PERCENT: count(0, 100).default(50),
  /** A workflow bundle made before; else the one beside dist/worker.js, else made at start. */
  HOLDFAST_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  /** Where Prometheus finds `/metrics`. None: they are not served. */
  HOLDFAST_METRICS_ADDRESS: socketAddress.optional(),
  /** Where the gateway listens. */
  HOLDFAST_GATEWAY_ADDRESS: socketAddress.default('127.0.0.1:8080'),
  /** `none`: everybody is let in, which is accepted on loopback only. */
  HOLDFAST_GATEWAY_AUTH: z.literal('none', 'must be none, or not be set').optional(),
  /** Path of the file of API keys; read again when it changes. */
  HOLDFAST_GATEWAY_KEYS: z.string().min(1).optional(),
  /** OpenID Connect issuer whose tokens are accepted, and the audience they must be for. */
  HOLDFAST_GATEWAY_ISSUER: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  HOLDFAST_GATEWAY_AUDIENCE: z.string().min(1).default('holdfast'),
  /** Requests that one key, token subject or, without auth, address may make in a minute. */
  HOLDFAST_GATEWAY_RATE: count(1, 1_000_000).default(1_200),
  /** Addresses or networks of the proxies before the gateway, whose X-Forwarded-For is believed; with commas between. */
  HOLDFAST_GATEWAY_PROXIES: networks.default([]),
  /** How long a task that has ended must at least be answered for. Hours; Temporal's own retention is not less than one. */
  HOLDFAST_GATEWAY_RETENTION_HOURS: count(1, 87_600).default(1),
  /** A gateway, which the command line asks instead of Temporal. */
  HOLDFAST_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isBare, BARE)
    .optional(),
  /** API key for that gateway, or a token of its issuer. */
  HOLDFAST_API_KEY: z.string().trim().min(1).optional(),
  HOLDFAST_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
});

const schema = variables.refine(
  ({ HOLDFAST_KUEUE_QUEUE: queue, HOLDFAST_MAX_RUNNING: running, HOLDFAST_MAX_RUNNING_PER_TENANT: perTenant }) =>
    queue === undefined || (running === 0 && perTenant === 0),
  {
    path: ['HOLDFAST_KUEUE_QUEUE'],
    error: 'does not go with HOLDFAST_MAX_RUNNING or HOLDFAST_MAX_RUNNING_PER_TENANT; set one or the other',
  },
);

export interface Config {
  readonly temporal: ReturnType<typeof loadClientConnectConfig> & { readonly namespace: string };
  readonly kubernetes: {
    readonly context: string | undefined;
    readonly kubeconfig: string | undefined;
    readonly namespace: string;
    readonly deadlineMs: number;
  };
  readonly logDir: string;
  readonly logRetentionHours: number;
  readonly pythonImage: string;
  readonly taskQueue: string;
  readonly maxTasks: number;
  /** Undefined: nothing is limited. */
  readonly limits: Limits | undefined;
  /** Undefined: Jobs are not queued by Kueue. */
  readonly kueueQueue: string | undefined;
  readonly sweepSeconds: number;
  readonly sweepRules: { readonly minAgeSeconds: number; readonly maxPercent: number };
  readonly workflowBundle: string | undefined;
  readonly metricsAddress: string | undefined;
  readonly gateway: GatewayConfig;
  /** The gateway to ask instead of Temporal, if one is named. */
  readonly api: { readonly url: string; readonly token: string | undefined } | undefined;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
}

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  /** Whether it was said that nobody has to prove who they are. */
  readonly open: boolean;
  readonly keys: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string;
  /** Requests in a minute. */
  readonly rate: number;
  readonly proxies: readonly string[];
  /** What the retention of Temporal must at least be. */
  readonly retentionHours: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What Kubernetes sets for each Service (`HOLDFAST_GATEWAY_SERVICE_HOST`), and what only development reads. */
const OF_OTHERS = /_(PORT|SERVICE)(_|$)|^HOLDFAST_(STATE_FILE|INSTALL_MS|TEST_SERVER|TEXTS|CONDITIONS|HUMANEVAL)$/;

/** Variables that look like ours and are not: a limit that was mistyped limits nothing. */
export function unknownVariables(env: Env = process.env): readonly string[] {
  const names = Object.keys(env).filter((name) => name.startsWith('HOLDFAST_') && !OF_OTHERS.test(name));
  return names.filter((name) => !(name in variables.shape));
}

/** @throws HoldfastError CONFIG_INVALID with every problem by variable. */
export function readConfig(given: Env = process.env): Config {
  const env = withLocalEnvironment(dropEmpty(given));
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    const list = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw new HoldfastError('CONFIG_INVALID', `The configuration is not usable: ${list}.`, { problems });
  }
  const values = parsed.data;
  return {
    temporal: temporalConfig(env),
    kubernetes: {
      context: values.HOLDFAST_KUBE_CONTEXT,
      kubeconfig: values.KUBECONFIG,
      namespace: values.HOLDFAST_KUBE_NAMESPACE,
      deadlineMs: values.HOLDFAST_KUBE_DEADLINE_MS,
    },
    logDir: values.HOLDFAST_LOG_DIR ?? join(stateDir(env), 'task-logs'),
    logRetentionHours: values.HOLDFAST_LOG_RETENTION_HOURS,
    pythonImage: values.HOLDFAST_PYTHON_IMAGE,
    taskQueue: values.HOLDFAST_TASK_QUEUE,
    maxTasks: values.HOLDFAST_MAX_TASKS,
    limits: limitsIn(values.HOLDFAST_MAX_RUNNING, values.HOLDFAST_MAX_RUNNING_PER_TENANT),
    kueueQueue: values.HOLDFAST_KUEUE_QUEUE,
    sweepSeconds: values.HOLDFAST_SWEEP_SECONDS,
    sweepRules: {
      minAgeSeconds: values.HOLDFAST_SWEEP_MIN_AGE_SECONDS,
      maxPercent: values.HOLDFAST_SWEEP_MAX_PERCENT,
    },
    workflowBundle: values.HOLDFAST_WORKFLOW_BUNDLE,
    metricsAddress: values.HOLDFAST_METRICS_ADDRESS,
    gateway: {
      ...hostAndPort(values.HOLDFAST_GATEWAY_ADDRESS),
      open: values.HOLDFAST_GATEWAY_AUTH === 'none',
      keys: values.HOLDFAST_GATEWAY_KEYS,
      issuer: values.HOLDFAST_GATEWAY_ISSUER,
      audience: values.HOLDFAST_GATEWAY_AUDIENCE,
      rate: values.HOLDFAST_GATEWAY_RATE,
      proxies: values.HOLDFAST_GATEWAY_PROXIES,
      retentionHours: values.HOLDFAST_GATEWAY_RETENTION_HOURS,
    },
    api: values.HOLDFAST_URL === undefined ? undefined : { url: values.HOLDFAST_URL, token: values.HOLDFAST_API_KEY },
    logLevel: values.HOLDFAST_LOG_LEVEL,
  };
}

function limitsIn(running: number, perTenant: number): Limits | undefined {
  if (running === 0 && perTenant === 0) return undefined;
  return { ...(running > 0 && { running }), ...(perTenant > 0 && { perTenant }) };
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

/** Temporal's own variables and temporal.toml profiles, as its CLI reads them. */
function temporalConfig(env: Env): Config['temporal'] {
  try {
    const loaded = loadClientConnectConfig({ overrideEnvVars: definedOnly(env) });
    return { ...loaded, namespace: loaded.namespace ?? 'default' };
  } catch (error) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `Temporal's configuration is not usable: ${String(error)}`,
      {},
      { cause: error },
    );
  }
}

/**
 * What `npm run up` left. Its cluster is that of its Temporal: whoever names another gets neither, or tasks of the one would run,
 * and be looked for, in the other.
 */
function withLocalEnvironment(env: Env): Env {
  const local = localEnvironment(env);
  const saysTemporal = Object.entries(env).some(
    ([name, value]) => name.startsWith('TEMPORAL_') && value !== local[name],
  );
  // A key or a certificate beside the same address names no other.
  const isSame =
    env['TEMPORAL_ADDRESS'] === local['TEMPORAL_ADDRESS'] &&
    ['TEMPORAL_NAMESPACE', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].every((name) =>
      [undefined, local[name]].includes(env[name]),
    );
  const saysKubernetes = env['KUBECONFIG'] !== undefined || env['HOLDFAST_KUBE_CONTEXT'] !== undefined;
  const taken = Object.entries(local).filter(([name]) => {
    if (name.startsWith('TEMPORAL_')) return !saysTemporal;
    if (name === 'HOLDFAST_LOG_DIR') return true;
    return !saysKubernetes && (!saysTemporal || isSame);
  });
  return { ...Object.fromEntries(taken), ...env };
}

function localEnvironment(env: Env): Readonly<Record<string, string>> {
  try {
    return { ...(JSON.parse(readFileSync(join(stateDir(env), 'env.json'), 'utf8')) as Record<string, string>) };
  } catch {
    return {};
  }
}

function stateDir(env: Env): string {
  return join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'holdfast');
}

/** Compose files hand over unset variables as empty ones. */
function dropEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

function definedOnly(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

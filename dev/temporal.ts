import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Command } from './cluster/control-plane.ts';
import { eventually } from './cluster/local.ts';
import { obstacle } from './obstacle.ts';
import type { Obstacle } from './obstacle.ts';
import type { Reporter } from './report.ts';
import type { TemporalState } from './state.ts';
import { ensureGoTool, goTools, isGoToolBuilt } from './toolchain/go.ts';
import { sdkTemporal } from './toolchain/sdk-download.ts';
import { findProgram, run } from './system/processes.ts';
import type { Paths } from './system/paths.ts';
import type { Ports } from './system/ports.ts';

/**
 * Dynamic configuration: an activity that the worker can take at once comes in the answer to its workflow task. Compose has
 * it from dev/compose/temporal.yaml.
 */
export const EAGER = 'system.enableActivityEagerExecution=true';

export type TemporalPlan =
  | { readonly kind: 'existing'; readonly address: string; readonly namespace: string; readonly why: string }
  | { readonly kind: 'local'; readonly program: string };

/** A server that was named is used; else `temporal` on the PATH; else the SDK's own download; else it is built. */
export async function planTemporal(
  paths: Paths,
  ports: Ports,
  env: NodeJS.ProcessEnv,
  reporter: Reporter,
): Promise<TemporalPlan> {
  const named = await namedServer(env);
  if (named && (await isReachable(named.address))) {
    reporter.say(`Temporal: using ${named.address}, named by ${named.why}.`);
    return named;
  }
  // The address of our own, left in a shell from an environment that has ended, means a server of our own again.
  if (named && named.address !== ownAddress(ports)) throw unreachable(named.address, named.why);
  return { kind: 'local', program: await temporalProgram(paths.cache, env, reporter) };
}

/** Temporal's own program, server and command line in one. */
export async function temporalProgram(cache: string, env: NodeJS.ProcessEnv, reporter: Reporter): Promise<string> {
  const installed = findProgram('temporal', env);
  if (installed !== undefined && (await answers(installed))) return installed;
  if (!(await isGoToolBuilt(cache, goTools.temporal))) {
    const fetched = await sdkTemporal(cache, reporter);
    if (fetched !== undefined && (await answers(fetched))) return fetched;
  }
  return join(await ensureGoTool(cache, goTools.temporal, reporter), 'temporal');
}

async function namedServer(env: NodeJS.ProcessEnv): Promise<(TemporalPlan & { kind: 'existing' }) | undefined> {
  const why = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].find((name) => env[name]);
  if (why === undefined) return undefined;
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  const config = loadClientConnectConfig({ overrideEnvVars: { ...env } as Record<string, string> });
  const address = config.connectionOptions.address;
  if (address === undefined) return undefined;
  return { kind: 'existing', address, namespace: config.namespace ?? 'default', why };
}

const ownAddress = (ports: Ports): string => `127.0.0.1:${ports.TEMPORAL}`;

const unreachable = (address: string, why: string): Obstacle =>
  obstacle(
    `Nothing answers at ${address}, the Temporal server that ${why} names`,
    'running the workflows',
    'start that server',
    `unset ${why} for a local one`,
  );

function isReachable(address: string): Promise<boolean> {
  const [, host = '127.0.0.1', port = '7233'] = /^(?:\w+:\/\/)?\[?([^\]]*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 3_000 }, () => done(true));
    socket.on('error', () => done(false)).on('timeout', () => done(false));
    function done(answer: boolean): void {
      socket.destroy();
      resolve(answer);
    }
  });
}

const answers = (program: string): Promise<boolean> =>
  run(program, ['--version'], { timeout: 5_000 }).then(
    () => true,
    () => false,
  );

/** The configuration file of whoever speaks to our own server. */
export const ownProfile = (folder: string): string => join(folder, 'temporal.toml');

function temporalCommand(program: string, folder: string, ports: Ports): Command {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(
    ownProfile(folder),
    '# So that no profile of yours, with its key or TLS, is mixed in.\n[profile.default]\n',
  );
  const flags = {
    ip: '127.0.0.1',
    port: ports.TEMPORAL,
    'ui-port': ports.TEMPORAL_UI,
    // A file, so that a restart of the server alone keeps its workflows.
    'db-filename': join(folder, 'temporal.db'),
    // Which is thrown away at every start, so it need not survive a power cut.
    'sqlite-pragma': ['synchronous=off', 'journal_mode=wal'],
    'log-level': 'warn',
    'dynamic-config-value': EAGER,
  };
  return {
    name: 'temporal',
    command: [
      program,
      'server',
      'start-dev',
      ...Object.entries(flags).flatMap(([flag, values]) =>
        [values].flat().flatMap((value) => [`--${flag}`, `${value}`]),
      ),
    ],
    cwd: folder,
  };
}

export async function startTemporal(
  { temporal, ports }: { readonly temporal: TemporalPlan; readonly ports: Ports },
  paths: Paths,
  start: (part: Command) => unknown,
): Promise<TemporalState> {
  if (temporal.kind === 'existing') {
    const { address, namespace } = temporal;
    return { address, namespace, ui: undefined, isOurs: false };
  }
  start(temporalCommand(temporal.program, paths.temporal, ports));
  const address = ownAddress(ports);
  await eventually('Temporal', 60, () => answersFor(address, 'default'));
  return { address, namespace: 'default', ui: `http://127.0.0.1:${ports.TEMPORAL_UI}`, isOurs: true };
}

async function answersFor(address: string, namespace: string): Promise<true> {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } finally {
    await connection.close();
  }
}

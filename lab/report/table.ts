/** Tier 3: measures every protocol, keeps each case, and gives the table. */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { VersionApi, type KubeConfig } from '@kubernetes/client-node';
import { Connection } from '@temporalio/client';
import { terminalReporter } from '../../dev/report.ts';
import { holdfastVersion } from '../stage/version.ts';
import { pathsFrom } from '../../dev/system/paths.ts';
import { readConfig } from '../../src/config.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { paced } from '../../src/paced.ts';
import { PROTOCOLS } from '../protocols/index.ts';
import { LIMITS } from '../protocols/jobs.ts';
import type { Protocol } from '../protocols/protocol.ts';
import { type RedisServer, startRedis } from '../protocols/redis-server.ts';
import { clearAbandoned, openGround } from './ground.ts';
import { type Observation, type Scenario, SCENARIO_NAMES } from './observation.ts';
import { lastMoment } from './picture.ts';
import { runCases, type Wanted } from './run.ts';
import { type Cell, cellOf } from './stats.ts';
import { CaseStore, codeOf, type Key } from './store.ts';

export interface TableOptions {
  /** Per protocol and scenario. */
  readonly cases: number;
  readonly protocols: readonly string[];
  readonly seed: string;
  readonly cleanUpSeconds: number;
  readonly fresh: boolean;
}

export interface TableRow {
  readonly name: string;
  readonly title: string;
  readonly assumes: string;
  readonly price: string;
  /** Why there are no numbers. */
  readonly notRun?: string;
  readonly total?: Cell;
  readonly cells: Partial<Readonly<Record<Scenario, Cell>>>;
  /** Cases that could not be played; they are in no number. */
  readonly dropped: number;
}

export interface Table {
  readonly kind: 'table';
  readonly measuredAt: string;
  readonly versions: Readonly<Record<'kubernetes' | 'temporal' | 'node' | 'redis' | 'holdfast', string>>;
  /** How busy it was: the load average of the last quarter of an hour, everything on the machine together. */
  readonly machine: { readonly cores: number; readonly load: number };
  /** What every container was limited to. */
  readonly limits?: Readonly<Record<string, string>>;
  readonly seed: string;
  readonly casesPerCell: number;
  readonly cleanUpSeconds: number;
  readonly rows: readonly TableRow[];
  /** The median case of B each, for the picture. */
  readonly pictured: readonly Observation[];
}

/** Most of a protocol's time is waiting for quiet. */
const AT_ONCE = 2;

export async function measureTable(options: TableOptions): Promise<Table> {
  const kube = loadKubeConfig(readConfig().kubernetes);
  await clearAbandoned(kube);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-redis-'));
  const redis = await startRedis(folder);
  const store = new CaseStore(options);
  const seen: Observation[] = [];
  const measure = async (protocol: Protocol) =>
    protocol.needsRedis && typeof redis === 'string'
      ? rowOf(protocol, [], 0, redis)
      : measureRow(protocol, kube, options, store, redis, seen);
  try {
    const wanted = PROTOCOLS.filter(({ name }) => options.protocols.includes(name));
    const rows = await paced(wanted, { atOnce: AT_ONCE }, measure);
    return {
      kind: 'table',
      measuredAt: new Date().toISOString(),
      versions: await versions(kube, redis),
      machine: { cores: cpus().length, load: Math.round(loadavg()[2] ?? 0) },
      limits: LIMITS,
      seed: options.seed,
      casesPerCell: options.cases,
      cleanUpSeconds: options.cleanUpSeconds,
      rows,
      pictured: ['naive', 'holdfast'].flatMap((name) => pictured(seen, name)),
    };
  } finally {
    if (typeof redis !== 'string') await redis.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureRow(
  protocol: Protocol,
  kube: KubeConfig,
  { cases, seed, cleanUpSeconds }: TableOptions,
  store: CaseStore,
  redis: RedisServer | string,
  all: Observation[],
): Promise<TableRow> {
  const key: Key = { seed, cleanUpSeconds, code: codeOf(protocol.name) };
  const every = SCENARIO_NAMES.flatMap((scenario) =>
    Array.from({ length: cases }, (_, index) => ({ scenario, index })),
  );
  const isWanted = ({ scenario, index }: Wanted) => every.some((w) => w.scenario === scenario && w.index === index);
  const seen = store.read(protocol.name, key).filter(isWanted);
  const wanted = every.filter((w) => !seen.some((s) => s.scenario === w.scenario && s.index === w.index));
  const step = terminalReporter().step(`${protocol.title}, ${wanted.length} cases`);
  const tell = () => step.note(`${seen.length} of ${every.length} judged, ${cellOf(seen).orphans} orphans`);
  let dropped = 0;
  if (wanted.length > 0) {
    const redisUrl = typeof redis === 'string' ? undefined : redis.url;
    const ground = await openGround(kube, protocol.name, { image: image(), redisUrl, cleanUpSeconds });
    try {
      await runCases(
        protocol,
        ground,
        { wanted, seed },
        {
          judged: (observation) => {
            seen.push(observation);
            store.keep(key, observation);
            tell();
          },
          dropped: ({ scenario, index }, reason) => {
            dropped += 1;
            terminalReporter().say(`  not judged: ${protocol.name} ${scenario}${index}: ${reason}`);
          },
        },
      );
    } finally {
      await ground.close();
    }
  }
  step.done(`${cellOf(seen).orphans} orphans in ${seen.length} cases`);
  all.push(...seen);
  return rowOf(protocol, seen, dropped);
}

function rowOf(protocol: Protocol, seen: readonly Observation[], dropped: number, notRun?: string): TableRow {
  const { name, title, assumes, price } = protocol;
  const cells = Object.fromEntries(
    SCENARIO_NAMES.flatMap((scenario) => {
      const own = seen.filter((observation) => observation.scenario === scenario);
      return own.length === 0 ? [] : [[scenario, cellOf(own)] as const];
    }),
  );
  const base = { name, title, assumes, price, cells, dropped };
  return notRun === undefined ? { ...base, total: cellOf(seen) } : { ...base, notRun };
}

/** The median case of those whose create (not their start) was held, so that the two programs met the same. */
function pictured(seen: readonly Observation[], protocol: string): readonly Observation[] {
  const held = seen
    .filter((item) => item.protocol === protocol && item.scenario === 'B' && item.faulted?.request === 'create')
    .toSorted((a, b) => lastMoment(a) - lastMoment(b));
  const median = held[Math.floor(held.length / 2)];
  return median === undefined ? [] : [median];
}

/** The image of the environment that is up; on a cluster of the user's own, a public one. */
function image(): string {
  try {
    const state = JSON.parse(readFileSync(pathsFrom(process.env).stateFile, 'utf8')) as { images: { busybox: string } };
    return state.images.busybox;
  } catch {
    return 'busybox:1.35';
  }
}

async function versions(kube: KubeConfig, redis: RedisServer | string): Promise<Table['versions']> {
  const { gitVersion } = await kube.makeApiClient(VersionApi).getCode();
  const connection = await Connection.connect(readConfig().temporal.connectionOptions);
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  await connection.close();
  return {
    kubernetes: gitVersion,
    temporal: serverVersion ?? 'unknown',
    node: process.version,
    redis: typeof redis === 'string' ? redis : redis.version,
    holdfast: holdfastVersion(),
  };
}

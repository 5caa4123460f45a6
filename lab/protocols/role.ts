/** Entry of the platform's processes: `role.ts '{"role": "dispatcher", "protocol": "naive", ...}'`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BASELINES } from './baselines.ts';
import { dispatcherAt, serve } from './dispatcher-http.ts';
import { Jobs } from './jobs.ts';
import { marksInTable } from './marks.ts';
import type { Baseline, Parts } from './protocol.ts';
import { Records } from './records.ts';
import { connectRedis, type Redis } from './redis.ts';

export const READY = 'role ready';

export interface RoleSettings {
  readonly protocol: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly image: string;
  readonly database: string;
  readonly dispatcherPort: number;
  readonly redisUrl: string | undefined;
  readonly cleanUpSeconds: number;
}

export type Role = 'worker' | 'dispatcher' | 'beside';

/** What each process of the platform has; the API's is made in the process of the laboratory. */
export async function partsOf(settings: RoleSettings): Promise<Parts & { close(): void }> {
  const records = new Records(settings.database);
  const redis = settings.redisUrl === undefined ? undefined : await connectRedis(settings.redisUrl);
  return {
    records,
    dispatcher: dispatcherAt(settings.dispatcherPort),
    jobs: new Jobs(settings.kubeconfig, settings.namespace, settings.image),
    table: marksInTable(records.database),
    get redis(): Redis {
      if (redis === undefined) throw new TypeError(`${settings.protocol} needs a Redis and was given none`);
      return redis;
    },
    cleanUpSeconds: settings.cleanUpSeconds,
    close: () => {
      redis?.destroy();
      records.close();
    },
  };
}

/** A queue worker: up to twenty messages side by side; what its predecessor had taken comes again. */
async function workMessages(baseline: Baseline, parts: Parts): Promise<void> {
  let busy = 0;
  parts.records.deliverAgain();
  for (;;) {
    const id = busy < 20 ? parts.records.take() : undefined;
    if (id === undefined) {
      await sleep(10);
      continue;
    }
    busy += 1;
    void baseline
      .work(parts, id)
      .then(() => parts.records.done(id))
      .finally(() => (busy -= 1));
  }
}

async function main(role: Role, settings: RoleSettings): Promise<void> {
  const baseline = BASELINES.find(({ name }) => name === settings.protocol);
  if (baseline === undefined) throw new TypeError(`there is no protocol ${settings.protocol}`);
  const parts = await partsOf(settings);
  if (role === 'dispatcher') await serve(baseline.dispatch(parts), settings.dispatcherPort);
  if (role === 'worker') void workMessages(baseline, parts);
  if (role === 'beside') void baseline.beside?.(parts);
  console.log(READY);
}

if (import.meta.main) {
  const { role, ...settings } = JSON.parse(process.argv[2] ?? '{}') as RoleSettings & { role: Role };
  await main(role, settings);
}

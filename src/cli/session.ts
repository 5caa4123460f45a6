/** A connection for as long as one command needs it. */
import { pause } from '../client/pause.ts';
import type { HoldfastClient, TaskClient } from '../client.ts';
import { type Config, readConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { isTemporalAway } from '../temporal-problem.ts';

/** How long somebody waits to hear that Temporal does not answer. */
const CONNECT_TIMEOUT = '5s';

/** Over HTTP if HOLDFAST_URL is set, else over Temporal. @throws HoldfastError TEMPORAL_UNREACHABLE, CONFIG_INVALID */
export async function withClient<T>(use: (client: TaskClient) => Promise<T>): Promise<T> {
  const config = readConfig();
  if (config.api === undefined) return connected(config, use);
  const { HoldfastHttpClient } = await import('../client/http/client.ts');
  return use(new HoldfastHttpClient(config.api));
}

/** For what only Temporal can be asked. `why`: the sentence for those who would ask a gateway. */
export async function withTemporal<T>(why: string, use: (client: HoldfastClient) => Promise<T>): Promise<T> {
  const config = readConfig();
  refuseHttp(config, why);
  return connected(config, use);
}

/** @throws HoldfastError CONFIG_INVALID if HOLDFAST_URL is set. */
export function refuseHttp({ api }: Config, why: string): void {
  if (api === undefined) return;
  const next = 'Unset HOLDFAST_URL, and name Temporal and the cluster themselves.';
  throw new HoldfastError('CONFIG_INVALID', why, { url: api.url }, { next });
}

async function connected<T>(config: Config, use: (client: HoldfastClient) => Promise<T>): Promise<T> {
  const { HoldfastClient } = await import('../client.ts');
  const connectionOptions = { ...config.temporal.connectionOptions, connectTimeout: CONNECT_TIMEOUT };
  const client = await HoldfastClient.connect({ ...config, temporal: { ...config.temporal, connectionOptions } });
  try {
    return await use(client);
  } finally {
    // Not waited for: the process ends now, whatever was left unanswered.
    void client.close();
  }
}

/** How long whom we ask may be away while a task is followed. A dev server that is restarted takes a few seconds. */
const AWAY_MS = 60_000;
const AGAIN_MS = 1_000;

/** Asks again while nobody answers for a moment: a wait of hours should not end with a hiccup of seconds. */
export async function patiently<T>(ask: () => Promise<T>, onAway: () => void, signal: AbortSignal): Promise<T> {
  for (let awaySince: number | undefined; ;) {
    const began = Date.now();
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      // A wait that lasted was answered until it broke off: that is the first failure of a new series.
      if (awaySince === undefined || Date.now() - began > AWAY_MS / 2) awaySince = Date.now();
      if (Date.now() - awaySince > AWAY_MS) throw error;
      onAway();
      await pause(AGAIN_MS, signal);
    }
  }
}

function isAway(error: unknown): boolean {
  const ofGateway = error instanceof HoldfastError && AWAY.has(error.code);
  return ofGateway || isTemporalAway(error);
}

/** Of a gateway that is away, or whose Temporal is. */
const AWAY: ReadonlySet<string> = new Set(['GATEWAY_UNREACHABLE', 'TEMPORAL_UNREACHABLE', 'RATE_LIMITED']);

/** A connection for as long as one command needs it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastClient } from '../client.ts';
import { readConfig } from '../config.ts';
import { isAway } from '../temporal-error.ts';

/** How long somebody waits to hear that Temporal does not answer. */
const CONNECT_TIMEOUT = '5s';

/** @throws HoldfastError TEMPORAL_UNREACHABLE, CONFIG_INVALID */
export async function withClient<T>(use: (client: HoldfastClient) => Promise<T>): Promise<T> {
  const config = readConfig();
  const connectionOptions = { ...config.temporal.connectionOptions, connectTimeout: CONNECT_TIMEOUT };
  const client = await HoldfastClient.connect({ ...config, temporal: { ...config.temporal, connectionOptions } });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** How long Temporal may be away while a task is followed. A dev server that is restarted takes a few seconds. */
const AWAY_MS = 60_000;
const AGAIN_MS = 1_000;

/** Asks again while Temporal is away for a moment: a wait of hours should not end with a hiccup of seconds. */
export async function patiently<T>(ask: () => Promise<T>, onAway: () => void): Promise<T> {
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
      await sleep(AGAIN_MS);
    }
  }
}

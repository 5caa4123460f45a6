/** A connection for as long as one command needs it. */
import { HoldfastClient } from '../client.ts';
import { readConfig } from '../config.ts';

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

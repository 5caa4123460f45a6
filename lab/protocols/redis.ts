/** A connection to a Redis; what the options need of it. */
import { createClient } from '@redis/client';

const clientAt = (url: string) => createClient({ url });

export type Redis = ReturnType<typeof clientAt>;

export async function connectRedis(url: string): Promise<Redis> {
  const redis = clientAt(url);
  // Without a listener a lost connection would end the process; the client connects again by itself.
  redis.on('error', () => undefined);
  await redis.connect();
  return redis;
}

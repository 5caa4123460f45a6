/**
 * Option 2: dispatcher and cancel handler hold a lock around check + create, and around kill + "cancelled".
 *
 * The lock is Redis' own recipe: SET NX PX with a random token, given back only by the holder of that token. It expires
 * after 30 s, because a dead holder would else block the cancel for ever; both tries of a create (10 s each) fit.
 *
 * Assumes that the lock outlives every pause of its holder, and that a create never lands after its caller has given
 * up. Price: a Redis on the path of every create and cancel; a cancel waits for the create; after a crash, for the
 * expiry. Broken by a create that is later than the dispatcher's patience, and by a dispatcher that dies.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { naive } from './naive.ts';
import { cancelled, killRoute, withoutKill } from './platform.ts';
import type { Answer, Baseline, Parts, Routes } from './protocol.ts';
import { isEnded } from './records.ts';
import type { Redis } from './redis.ts';

/** Milliseconds. */
const EXPIRY = 30_000;
const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

async function locked<T>(redis: Redis, id: string, work: () => Promise<T>): Promise<T> {
  const key = `lock:${id}`;
  const token = randomUUID();
  while ((await redis.set(key, token, { condition: 'NX', expiration: { type: 'PX', value: EXPIRY } })) === null)
    await sleep(50);
  try {
    return await work();
  } finally {
    await redis.eval(UNLOCK, { keys: [key], arguments: [token] });
  }
}

function dispatch(parts: Parts): Routes {
  const { records, jobs, redis } = parts;
  return {
    ...killRoute(parts),
    '/execute': (id) =>
      locked(redis, id, async () => {
        const status = records.status(id);
        if (status === undefined || isEnded(status)) return 'refused';
        await jobs.create(id);
        return 'created';
      }),
  };
}

function cancel(parts: Parts, id: string): Promise<Answer> {
  return locked(parts.redis, id, async () => {
    const settled = withoutKill(parts, id);
    if (settled !== undefined) return settled;
    await parts.dispatcher.post('/kill', id);
    return cancelled(parts, id);
  });
}

export const creationLock: Baseline = {
  ...naive,
  name: 'creation-lock',
  title: 'Option 2: creation lock',
  assumes: 'the lock outlives every pause of its holder; no create lands after its caller has given up',
  price: 'Redis; a cancel waits for the create and, after a crash, for the expiry of the lock (30 s)',
  needsRedis: true,
  dispatch,
  cancel,
};

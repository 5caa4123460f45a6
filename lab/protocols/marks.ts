/** One word per key, changed only by compare-and-set: a token, a claim, a reservation. In Redis, or in a table. */
import type { DatabaseSync } from 'node:sqlite';
import type { Redis } from './redis.ts';

export interface Marks {
  /** If the word is one of `from` ('' is no word), it becomes `to`. Gives the word as it was, in one atomic step. */
  swap(key: string, from: readonly string[], to: string): Promise<string>;
}

const SWAP = `
  local was = redis.call('GET', KEYS[1]) or ''
  for i = 3, #ARGV do
    if ARGV[i] == was then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
  end
  return was`;

/** Words that are gone after `ttlMs`. */
export function marksInRedis(redis: Redis, ttlMs: number): Marks {
  return {
    swap: async (key, from, to) => {
      const was: unknown = await redis.eval(SWAP, { keys: [key], arguments: [to, String(ttlMs), ...from] });
      if (typeof was !== 'string') throw new TypeError('the script gives a word');
      return was;
    },
  };
}

export function marksInTable(database: DatabaseSync): Marks {
  return {
    swap: async (key, from, to) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const was = String(database.prepare('SELECT value FROM mark WHERE key = ?').get(key)?.['value'] ?? '');
        if (from.includes(was)) database.prepare('INSERT OR REPLACE INTO mark VALUES (?, ?)').run(key, to);
        return was;
      } finally {
        database.exec('COMMIT');
      }
    },
  };
}

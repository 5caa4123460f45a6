import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

export interface Lock {
  release(): void;
}

/**
 * A lock that the operating system lets go when its holder dies, however it dies: SQLite's own file lock.
 * A lock file with a pid in it would have to be judged stale, and two judges can race.
 */
export function tryLock(path: string): Lock | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw error;
  }
}

export async function waitForLock(path: string, whileWaiting?: () => void, signal?: AbortSignal): Promise<Lock> {
  for (;;) {
    const lock = tryLock(path);
    if (lock) return lock;
    whileWaiting?.();
    await delay(200, undefined, signal ? { signal } : {});
  }
}

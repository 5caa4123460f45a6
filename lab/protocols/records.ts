/** The platform's database: one row per evaluation, and the queue. SQLite, so that it survives every process. */
import { DatabaseSync } from 'node:sqlite';

export type Status = 'pending' | 'provisioning' | 'running' | 'cancelled' | 'failed' | 'completed';

export const LIVE: readonly Status[] = ['pending', 'provisioning', 'running'];

export function isEnded(status: Status): status is 'cancelled' | 'failed' | 'completed' {
  return !LIVE.includes(status);
}

export class Records {
  readonly database: DatabaseSync;

  constructor(path: string) {
    this.database = new DatabaseSync(path);
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA busy_timeout = 10000;
      CREATE TABLE IF NOT EXISTS evaluation (id TEXT PRIMARY KEY, status TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, taken INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE IF NOT EXISTS mark (key TEXT PRIMARY KEY, value TEXT NOT NULL);`);
  }

  submit(id: string): void {
    this.database.prepare(`INSERT INTO evaluation VALUES (?, 'pending')`).run(id);
    this.database.prepare('INSERT INTO message (id) VALUES (?)').run(id);
  }

  status(id: string): Status | undefined {
    const row = this.database.prepare('SELECT status FROM evaluation WHERE id = ?').get(id);
    return row?.['status'] as Status | undefined;
  }

  /** Compare-and-set. False if the status was none of `from`. */
  move(id: string, from: readonly Status[], to: Status): boolean {
    const places = from.map(() => '?').join();
    const sql = `UPDATE evaluation SET status = ? WHERE id = ? AND status IN (${places})`;
    return this.database.prepare(sql).run(to, id, ...from).changes === 1;
  }

  // --- The queue: a message is taken, and gone only when its work is done ---------------------------------------------

  take(): string | undefined {
    const sql = `UPDATE message SET taken = 1 WHERE id = (SELECT id FROM message WHERE taken = 0 LIMIT 1) RETURNING id`;
    return this.database.prepare(sql).get()?.['id'] as string | undefined;
  }

  done(id: string): void {
    this.database.prepare('DELETE FROM message WHERE id = ?').run(id);
  }

  /** What a dead worker had taken is delivered again. */
  deliverAgain(): void {
    this.database.exec('UPDATE message SET taken = 0');
  }

  close(): void {
    this.database.close();
  }
}

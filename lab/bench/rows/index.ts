import type { Bench } from '../bench.ts';
import { atOnce, atOnceReal } from './at-once.ts';
import { bulkCancel } from './bulk-cancel.ts';
import { history } from './history.ts';
import { oneAtATime, oneThatLingers } from './one-at-a-time.ts';
import { perTask } from './per-task.ts';
import { startUp } from './start-up.ts';
import { waiting, waitingMost, waitingReal } from './waiting.ts';

/** In the order of the table. */
export const BENCHES: readonly Bench[] = [
  oneAtATime,
  oneThatLingers,
  atOnceReal,
  atOnce,
  bulkCancel,
  perTask,
  waiting,
  waitingReal,
  waitingMost,
  history,
  startUp,
];

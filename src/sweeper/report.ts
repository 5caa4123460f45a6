/** What a look of the sweeper comes to: a value, for whoever logs, counts or shows it. */
import type { Logger } from 'pino';
import { describeApi } from '../activities/perform.ts';
import { type ErrorCode, HoldfastError, isErrorCode, problem } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { SweepTold } from '../metrics.ts';
import { temporalProblem } from '../temporal-problem.ts';
import type { FoundRun, Keep, Reason } from './judge.ts';

export type Kept = Keep | 'not ours';

/** A run that no open task owns. */
export interface Orphan {
  readonly run: string;
  readonly taskId: string;
  readonly reason: Reason;
  /** Of a removed run: what was removed. */
  readonly kinds: readonly (FoundRun['kinds'][number] | 'pods')[];
}

/** Nothing was removed, and why. */
export interface Refusal {
  readonly because: ErrorCode;
  readonly message: string;
  /** What to do: one plain sentence. */
  readonly next: string;
}

export interface SweepReport {
  /** When it began, ISO 8601. */
  readonly at: string;
  /** What it took. */
  readonly seconds: number;
  /** `soon`: only at runs that were new, changed or suspected. */
  readonly looked: 'at all' | 'soon';
  readonly dryRun: boolean;
  /** Runs that were looked at. */
  readonly runs: number;
  readonly kept: Readonly<Record<Kept, number>>;
  /** Known suspects that stay; `looks` 2: seen twice, and not removed because of a dry run or a refusal. */
  readonly suspects: readonly (Orphan & { readonly looks: 1 | 2 })[];
  readonly removed: readonly Orphan[];
  /** Removals that did not come to their end; the next sweep goes on with them. */
  readonly unfinished: readonly (Orphan & { readonly because: string })[];
  readonly refused?: Refusal;
}

export const KEPT_NONE: Readonly<Record<Kept, number>> = {
  'task is open': 0,
  'too young': 0,
  'of another Temporal': 0,
  'Temporal is not sure': 0,
  'not ours': 0,
};

/** Whatever went wrong while it looked: nothing is removed in doubt. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof HoldfastError) return { because: error.code, message: error.message, next: error.next };
  if (error instanceof ApiError) {
    const { code, message } = describeApi(error);
    return refusal(code, `Kubernetes gave no list: ${message}.`);
  }
  const told = temporalProblem(error);
  if (told !== undefined && isErrorCode(told.code)) return refusal(told.code, told.message, told.next);
  return refusal('WORKER_FAULT', error instanceof Error ? error.message : String(error));
}

function refusal(code: ErrorCode, message: string, advice?: string): Refusal {
  const { next = '' } = problem(code, message, undefined, advice);
  return { because: code, message, next };
}

export function logReport(log: Logger, { removed, unfinished, refused }: SweepReport): void {
  for (const { run: jobName, ...orphan } of removed) log.warn({ jobName, ...orphan }, 'removed what no task owns');
  for (const { run: jobName, because, ...orphan } of unfinished)
    log.warn({ jobName, ...orphan, error: because }, 'a removal did not end; the next sweep goes on with it');
  if (refused) log.warn(refused, 'a sweep was refused; nothing was removed');
}

/** What a look counts for. A dry run counts for nothing but having looked. */
export function countsOf({ removed, unfinished, refused }: SweepReport): SweepTold {
  const orphan = (isRemoved: boolean) => (found: Orphan) => ({
    reason: found.reason.slice('task '.length),
    removed: isRemoved,
  });
  return {
    at: Date.now(),
    orphans: [...removed.map(orphan(true)), ...unfinished.map(orphan(false))],
    ...(refused && { refused }),
  };
}

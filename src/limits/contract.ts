/**
 * What tasks and the limiter of their task queue say to each other. A run must hold a slot before it may have containers;
 * it holds it until release has proved that nothing of it is left. Pure types and names.
 */

/** Of one task queue. What is not set is not limited. */
export interface Limits {
  /** Runs that hold a slot at the same time. */
  readonly running?: number;
  /** The same, of one tenant. */
  readonly perTenant?: number;
}

/** As whose it wants to be let in, and how soon. */
export interface Wish {
  /** Tasks that belong to nobody belong together. */
  readonly tenant: string;
  /** 1 is let in first; Temporal's own numbers, 1 to 5. */
  readonly priority: number;
}

/** A run that wants a slot, or has one. */
export interface Claim extends Wish {
  /** The fence's own name of the run: a grant to one run is none to another, whatever a Reset delivers again. */
  readonly run: string;
  readonly taskId: string;
}

export interface Acquire {
  readonly claim: Claim;
  /** Of the worker that asks for the run: the newest hold. */
  readonly limits: Limits;
}

/** How one limiter stands. */
export interface LimiterState {
  readonly limits: Limits;
  readonly held: number;
  readonly waiting: number;
  readonly tenants: Readonly<Record<string, { readonly held: number; readonly waiting: number }>>;
}

export const LIMITER_WORKFLOW_TYPE = 'limiter';
/** Workflow Ids that no task may have. */
export const LIMITER_PREFIX = 'holdfast-limits-';

/** Workflow Id of the one limiter of a task queue. */
export function limiterOf(taskQueue: string): string {
  return `${LIMITER_PREFIX}${taskQueue}`;
}

/** To the limiter: a run wants a slot. It may be said again. */
export const ACQUIRE_SIGNAL = 'acquire';
/** To the limiter, with a run's name: nothing of it is left, or ever will be. */
export const FREED_SIGNAL = 'freed';
/** From the limiter to a task, with a run's name: it has its slot. */
export const ADMITTED_SIGNAL = 'admitted';
export const LIMITER_QUERY = 'limits';

/** Temporal's own default. */
const USUAL_PRIORITY = 3;

/** What a workflow was started with, by our client or by Temporal's own. */
export interface StartedWith {
  readonly memo?: Readonly<Record<string, unknown>>;
  readonly priority?: { readonly priorityKey?: number; readonly fairnessKey?: string };
}

/** Pure. The gateway names the tenant in the memo; others have Temporal's fairness key for it. */
export function wishOf({ memo, priority }: StartedWith): Wish {
  const named = memo?.['tenant'];
  return {
    tenant: typeof named === 'string' ? named : (priority?.fairnessKey ?? ''),
    priority: priority?.priorityKey || USUAL_PRIORITY,
  };
}

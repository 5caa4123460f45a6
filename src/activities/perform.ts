/**
 * What every activity has in common: it heartbeats, so that a cancel reaches it and a dead worker is noticed; a cancel
 * stays a cancel; a problem becomes a failure with a code, and its kind decides who tries again.
 */
import { ApplicationFailure, cancellationDetails, cancellationSignal, heartbeat, log } from '@temporalio/activity';
import type { Problem } from '../contract.ts';
import { ERRORS, type ErrorCode, HoldfastError, isErrorCode } from '../errors.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { Crowd, type Pace } from './crowd.ts';

/**
 * Of activities that are short: a cancel reaches them in the answer to a heartbeat. Each is a transaction of Temporal's: a
 * crowd that beats often takes from itself the time in which it would get on.
 */
const OFTEN: Beating = { crowd: new Crowd(), pace: { perSecond: 20, shortestMs: 500, longestMs: 2_000 } };

export interface Beating {
  readonly crowd: Crowd;
  readonly pace: Pace;
}

export interface Performing {
  /** Aborts when the workflow cancels the activity, the worker stops, or the attempt is no longer wanted. */
  readonly signal: AbortSignal;
  /** Details that the web UI shows on the pending activity, and that the next attempt gets. */
  readonly show: (details: unknown) => void;
  /** Heartbeats out of turn. */
  readonly beat: () => void;
}

export interface PerformOptions {
  /** Release never gives up: what it meets is always for trying again. */
  readonly retryEverything?: boolean;
  /** What Kubernetes refuses to show says nothing of the task: whoever only reads asks again. */
  readonly onlyReads?: boolean;
  /** How often it heartbeats; well within its heartbeat timeout, whatever else runs. */
  readonly beating?: Beating;
  /** Called when Temporal no longer knows this attempt: its workflow was ended without running its code, perhaps. */
  readonly whenForgotten?: () => Promise<void>;
}

export async function perform<T>(
  body: (performing: Performing) => Promise<T>,
  options: PerformOptions = {},
): Promise<T> {
  const signal = cancellationSignal();
  let shown: unknown;
  const show = (details: unknown) => (shown = details);
  const beat = () => heartbeat(shown);
  const stop = keepBeating(options.beating ?? OFTEN, beat);
  try {
    return await body({ signal, show, beat });
  } catch (error) {
    if (signal.aborted) await afterAbort(options);
    signal.throwIfAborted();
    throw toFailure(error, options);
  } finally {
    stop();
  }
}

/** Not at once: most are done before their first heartbeat is due, and Temporal knows that they have begun. */
function keepBeating({ crowd, pace }: Beating, beat: () => void): () => void {
  const leave = crowd.enter();
  let timer: NodeJS.Timeout;
  const next = () => {
    timer = setTimeout(() => {
      beat();
      next();
    }, crowd.every(pace));
  };
  next();
  return () => {
    clearTimeout(timer);
    leave();
  };
}

async function afterAbort({ whenForgotten }: PerformOptions): Promise<void> {
  const details = cancellationDetails();
  if (whenForgotten === undefined || details?.notFound !== true || details.timedOut) return;
  await whenForgotten().catch((error: unknown) =>
    log.warn('could not look after a forgotten run', { error: String(error) }),
  );
}

export function toFailure(error: unknown, { retryEverything, onlyReads }: PerformOptions = {}): Error {
  const { code, message, facts } = describe(error);
  const asksAgain = retryEverything === true || (onlyReads === true && error instanceof ApiError);
  const nonRetryable = !asksAgain && ERRORS[code].kind !== 'retryable';
  const problem: Problem = { code, message, next: ERRORS[code].next, facts: facts as NonNullable<Problem['facts']> };
  return ApplicationFailure.create({
    message,
    type: code,
    nonRetryable,
    details: [problem],
    ...(error instanceof Error && { cause: error }),
  });
}

function describe(error: unknown): { code: ErrorCode; message: string; facts: Readonly<Record<string, unknown>> } {
  if (error instanceof HoldfastError) return error;
  if (error instanceof ApiError) return { ...describeApi(error), facts: {} };
  if (error instanceof ApplicationFailure && isErrorCode(error.type))
    return { code: error.type, message: error.message, facts: {} };
  return { code: 'WORKER_FAULT', message: error instanceof Error ? error.message : String(error), facts: {} };
}

/** Which of our codes an answer of the API server is. */
export function describeApi(error: ApiError): { code: ErrorCode; message: string } {
  const { message } = error;
  switch (error.kind) {
    case 'forbidden':
      return { code: message.includes('exceeded quota') ? 'QUOTA_EXCEEDED' : 'KUBERNETES_FORBIDDEN', message };
    case 'homeless':
      return { code: 'NAMESPACE_GONE', message };
    case 'refused':
    case 'absent':
      return { code: 'JOB_REFUSED', message };
    case 'conflict':
    case 'busy':
      return { code: 'KUBERNETES_UNCLEAR', message };
    case 'unclear':
      return { code: error.status === undefined ? 'KUBERNETES_UNREACHABLE' : 'KUBERNETES_UNCLEAR', message };
  }
}

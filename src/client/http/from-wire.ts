/** From the wire to the terms of the client. What is absent is null there, and left out here. */
import type { Problem, TaskResult, WorkloadName, WorkloadOutput } from '../../contract.ts';
import type { WireKill } from '../../gateway/wire/kill.ts';
import type { WireResult, WireTask } from '../../gateway/wire/task.ts';
import type { KillReport } from '../../kill/contract.ts';
import type { TaskView } from '../../task-view.ts';
import type { TaskEvent, TaskOutcome } from '../task-client.ts';
import type { ServerEvent } from './event-stream.ts';

export function viewFrom(task: WireTask): TaskView {
  const { retried } = task;
  return {
    taskId: task.task_id,
    runId: task.run_id,
    workload: task.workload as WorkloadName,
    phase: task.phase,
    started: task.started,
    open: task.outcome === null,
    cancelRequested: task.status === 'cancelling' || task.cancel !== null,
    startedAt: task.started_at,
    ...present({
      outcome: task.outcome,
      closedAt: task.completed_at,
      cancel: cancelFrom(task.cancel),
      job: task.job,
      pod: podFrom(task.pod),
      progress: progressFrom(task.progress),
      problem: problemFrom(task.diagnosis),
      waitingFor: task.waiting_for,
      retried: retried && { times: retried.times, because: diagnosed(retried.because) },
    }),
  };
}

/** While it has not ended: undefined. */
export function outcomeFrom(result: WireResult): TaskOutcome | undefined {
  switch (result.outcome) {
    case null:
      return undefined;
    case 'succeeded':
      return { outcome: 'succeeded', result: resultFrom(result) };
    case 'failed':
      return { outcome: 'failed', problem: problemFrom(result.diagnosis) ?? UNTOLD };
    case 'cancelled':
      return { outcome: 'cancelled', reason: result.cancellation_reason ?? '', started: result.started };
    case 'terminated':
    case 'timed_out':
      return { outcome: result.outcome };
  }
}

const UNTOLD: Problem = { code: 'WORKER_FAULT', message: 'no reason given' };

function resultFrom(result: WireResult): TaskResult {
  return {
    taskId: result.task_id,
    workload: result.workload as WorkloadName,
    outcome: 'succeeded',
    output: result.output as WorkloadOutput,
    job: result.job as TaskResult['job'],
    ...present({ startedAt: result.container_started_at, finishedAt: result.container_finished_at }),
  };
}

type WirePhase = Pick<WireTask, 'phase' | 'started' | 'outcome' | 'cancel' | 'job'>;

/** Undefined of an event that this client does not know. */
export function eventFrom({ event, data }: ServerEvent): TaskEvent | undefined {
  switch (event) {
    case 'phase': {
      const { phase, started, outcome, cancel, job } = data as WirePhase;
      return { event, phase, started, ...present({ outcome, cancel: cancelFrom(cancel), job }) };
    }
    case 'progress': {
      const { pod, progress } = data as Pick<WireTask, 'pod' | 'progress'>;
      return { event, ...present({ pod: podFrom(pod), progress: progressFrom(progress) }) };
    }
    case 'diagnosis':
      return { event, ...present({ problem: problemFrom((data as Pick<WireTask, 'diagnosis'>).diagnosis) }) };
    case 'outcome': {
      const ended = outcomeFrom(data as WireResult);
      return ended && { event, ...ended };
    }
    default:
      return undefined;
  }
}

export function reportFrom({ task_id: taskId, answer, was, pods, left }: WireKill): KillReport {
  const seen = pods.map(({ name, node, end, node_state: nodeState, why }) => ({
    name,
    end,
    ...present({ node, nodeState, why }),
  }));
  return { taskId, answer, was, pods: seen, left };
}

function cancelFrom(cancel: WireTask['cancel']) {
  return cancel && { reason: cancel.reason, at: cancel.requested_at };
}

function podFrom(pod: WireTask['pod']) {
  return pod && { name: pod.name, phase: pod.phase, ...present({ node: pod.node }) };
}

function progressFrom(progress: WireTask['progress']) {
  return progress && { done: progress.done, total: progress.total, ...present({ note: progress.note }) };
}

function problemFrom(diagnosis: WireTask['diagnosis']): Problem | null {
  return diagnosis && diagnosed(diagnosis);
}

function diagnosed({ code, message, next, facts }: NonNullable<WireTask['diagnosis']>): Problem {
  return { code, message, ...present({ next, facts: Object.keys(facts).length > 0 ? facts : null }) };
}

type Present<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Present<T>;
}

/** How a task looks on the wire, while it lives and when it has ended. Names are in snake case; absent is null. */
import { z } from 'zod';
import type { TaskOutcome } from '../../client.ts';
import type { Outcome, Phase, WorkloadName } from '../../contract.ts';
import type { TaskView } from '../../task-view.ts';
import { workloads } from '../../workloads/index.ts';

const PHASES = ['provisioning', 'reserving', 'starting', 'running', 'releasing', 'ended'] as const satisfies Phase[];
export const OUTCOMES = ['succeeded', 'failed', 'cancelled', 'terminated', 'timed_out'] as const satisfies Outcome[];
export const WORKLOADS = Object.keys(workloads) as [WorkloadName, ...WorkloadName[]];

export const time = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC.' });
export const phase = z.enum(PHASES);
export const outcome = z.enum(OUTCOMES);

const job = z.object({ namespace: z.string(), name: z.string(), uid: z.string() }).meta({ id: 'Job' });
const pod = z
  .object({
    name: z.string(),
    node: z.string().nullable(),
    phase: z.string().describe('Pending, Running, Succeeded, Failed, Unknown; or Terminating.'),
  })
  .meta({ id: 'Pod' });

export const progress = z
  .object({ done: z.number(), total: z.number(), note: z.string().nullable() })
  .meta({ id: 'Progress', examples: [{ done: 31, total: 164, note: '29 passed, 2 failed' }] });

export const diagnosis = z
  .object({
    code: z.string(),
    message: z.string(),
    next: z.string().nullable().describe('What to do.'),
    facts: z.record(z.string(), z.union([z.string(), z.number()])),
  })
  .meta({ id: 'Diagnosis' })
  .describe('What keeps a task from going on, or ended it.');

export const task = z
  .object({
    task_id: z.string(),
    run_id: z.string().describe("Temporal's Run Id."),
    workload: z.string().describe('As it was asked for; Temporal can start anything.'),
    status: z.enum(['running', 'cancelling', ...OUTCOMES]),
    phase,
    outcome: outcome.nullable(),
    started: z.boolean().describe('False as long as it is certain that no container of it was ever allowed.'),
    started_at: time.meta({ format: 'date-time', description: 'When the task was taken in.' }),
    completed_at: time.nullable(),
    cancel: z
      .object({ reason: z.string(), requested_at: time })
      .nullable()
      .describe('The first cancel that the task heard of.'),
    job: job.nullable(),
    pod: pod.nullable(),
    progress: progress.nullable(),
    diagnosis: diagnosis.nullable(),
  })
  .meta({ id: 'Task' });

export type WireTask = z.infer<typeof task>;

export function wireTask(view: TaskView): WireTask {
  const { cancel } = view;
  return {
    task_id: view.taskId,
    run_id: view.runId,
    workload: view.workload,
    status: view.outcome ?? (view.cancelRequested ? 'cancelling' : 'running'),
    phase: view.phase,
    outcome: view.outcome ?? null,
    started: view.started,
    started_at: view.startedAt,
    completed_at: view.closedAt ?? null,
    cancel: cancel === undefined ? null : { reason: cancel.reason, requested_at: cancel.at },
    job: view.job ?? null,
    pod: wirePod(view),
    progress: wireProgress(view),
    diagnosis: wireDiagnosis(view),
  };
}

export function wirePod({ pod }: Pick<TaskView, 'pod'>): WireTask['pod'] {
  return pod === undefined ? null : { ...pod, node: pod.node ?? null };
}

export function wireProgress({ progress }: Pick<TaskView, 'progress'>): WireTask['progress'] {
  return progress === undefined ? null : { ...progress, note: progress.note ?? null };
}

export function wireDiagnosis({ problem }: Pick<TaskView, 'problem'>): WireTask['diagnosis'] {
  if (problem === undefined) return null;
  const { code, message, next = null, facts = {} } = problem;
  return { code, message, next, facts };
}

const sample = z.object({
  task_id: z.string(),
  index: z.number(),
  verdict: z.enum(['passed', 'failed', 'timed_out']),
  seconds: z.number(),
  reason: z.string().exactOptional(),
});

const commandOutput = z.object({ exitCode: z.literal(0) }).meta({ id: 'CommandOutput' });
const evaluationOutput = z
  .object({
    problems: z.number(),
    samples: z.number(),
    passed: z.number(),
    failed: z.number(),
    timedOut: z.number(),
    passAtK: z.record(z.string(), z.number()),
    results: z.array(sample),
    resultsLeftOut: z.number(),
    unattempted: z.object({ count: z.number(), first: z.array(z.string()) }).exactOptional(),
  })
  .meta({ id: 'EvaluationOutput' });

/** How it ended; while it has not, `outcome` is null. */
export const result = z
  .object({
    task_id: z.string(),
    outcome: outcome.nullable(),
    phase,
    completed_at: time.nullable(),
    output: z.union([evaluationOutput, commandOutput]).nullable().describe('Of a task that succeeded.'),
    diagnosis: diagnosis.nullable().describe('Of a task that failed: why, and what to do.'),
    cancellation_reason: z.string().nullable(),
  })
  .meta({
    id: 'Result',
    examples: [
      {
        task_id: 'nightly',
        outcome: 'succeeded',
        phase: 'ended',
        completed_at: '2026-01-15T12:28:41.000Z',
        output: { exitCode: 0 },
        diagnosis: null,
        cancellation_reason: null,
      },
    ],
  });

export type WireResult = z.infer<typeof result>;

export function wireResult(view: TaskView, ending?: TaskOutcome): WireResult {
  return {
    task_id: view.taskId,
    outcome: view.outcome ?? null,
    phase: view.phase,
    completed_at: view.closedAt ?? null,
    output: ending?.outcome === 'succeeded' ? (ending.result.output as WireResult['output']) : null,
    diagnosis: wireDiagnosis(ending?.outcome === 'failed' ? ending : {}),
    cancellation_reason: ending?.outcome === 'cancelled' ? ending.reason : null,
  };
}

/**
 * How a task looks on the wire, while it lives and when it has ended. Names are in snake case, and absent is null, but in an
 * output, which is that of contract.ts.
 */
import { z } from 'zod';
import type { TaskOutcome } from '../../client/task-client.ts';
import type {
  CommandOutput,
  EvaluationOutput,
  Outcome,
  Phase,
  Problem,
  WorkloadName,
  WorkloadOutput,
} from '../../contract.ts';
import type { TaskView } from '../../task-view.ts';
import { workloads } from '../../workloads/index.ts';
import { facts, plainFacts } from './facts.ts';

const PHASES = [
  'provisioning',
  'queued',
  'reserving',
  'starting',
  'running',
  'releasing',
  'ended',
] as const satisfies Phase[];
export const OUTCOMES = ['succeeded', 'failed', 'cancelled', 'terminated', 'timed_out'] as const satisfies Outcome[];
export const WORKLOADS = Object.keys(workloads) as [WorkloadName, ...WorkloadName[]];

export const time = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC.' });
export const phase = z.enum(PHASES);
export const outcome = z.enum(OUTCOMES);
export const started = z
  .boolean()
  .describe(
    'False as long as it is certain that no container of it was ever allowed; where Kueue starts it, as far as that was seen.',
  );
const workload = z.string().describe('As it was asked for; Temporal can start anything.');

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
    facts,
  })
  .meta({ id: 'Diagnosis' })
  .describe('What keeps a task from going on, or ended it.');

export const task = z
  .object({
    task_id: z.string(),
    run_id: z.string().describe("Temporal's Run Id."),
    workload,
    status: z.enum(['running', 'cancelling', ...OUTCOMES]),
    phase,
    outcome: outcome.nullable(),
    started,
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
    waiting_for: z.string().nullable().describe('What release waits for at the moment, by kind and name.'),
    retried: z
      .object({ times: z.number(), because: diagnosis })
      .nullable()
      .describe('If the platform took a Pod away and the task ran anew: how often, and what took the last one.'),
  })
  .meta({ id: 'Task' });

export type WireTask = z.infer<typeof task>;

export const taskPage = z
  .object({ tasks: z.array(task), next_page_token: z.string().nullable().describe('null after the last page.') })
  .meta({ id: 'TaskPage' });

export type WirePage = z.infer<typeof taskPage>;

export function wireTask(view: TaskView): WireTask {
  const { cancel, retried } = view;
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
    diagnosis: wireDiagnosis(view.problem),
    waiting_for: view.waitingFor ?? null,
    retried: retried === undefined ? null : { times: retried.times, because: diagnosisOf(retried.because) },
  };
}

export function wirePod({ pod }: Pick<TaskView, 'pod'>): WireTask['pod'] {
  return pod === undefined ? null : { ...pod, node: pod.node ?? null };
}

export function wireProgress({ progress }: Pick<TaskView, 'progress'>): WireTask['progress'] {
  return progress === undefined ? null : { ...progress, note: progress.note ?? null };
}

export function wireDiagnosis(problem: Problem | undefined): WireTask['diagnosis'] {
  return problem === undefined ? null : diagnosisOf(problem);
}

/** Of a task that somebody else started there may be facts that are no plain ones. */
function diagnosisOf({ code, message, next, facts = {} }: Problem): z.infer<typeof diagnosis> {
  return { code, message, next: next ?? null, facts: plainFacts(facts) };
}

const sample = z.object({
  task_id: z.string(),
  index: z.number(),
  verdict: z.enum(['passed', 'failed', 'timed_out']),
  seconds: z.number(),
  reason: z.string().exactOptional(),
});

const commandOutput: z.ZodType<CommandOutput> = z.looseObject({ exitCode: z.literal(0) }).meta({ id: 'CommandOutput' });
const evaluationOutput: z.ZodType<EvaluationOutput> = z
  .looseObject({
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

/** Loose, each of them: what one workload's output has beyond another's is not lost, whichever is found to fit first. */
const OUTPUTS: Readonly<Record<WorkloadName, z.ZodType<WorkloadOutput>>> = {
  evaluation: evaluationOutput,
  command: commandOutput,
};

/** How it ended; while it has not, `outcome` is null. */
export const result = z
  .object({
    task_id: z.string(),
    workload,
    outcome: outcome.nullable(),
    phase,
    started,
    completed_at: time.nullable(),
    job: job.nullable(),
    container_started_at: time.nullable().describe("From the container's own status, of a task that succeeded."),
    container_finished_at: time.nullable(),
    output: z.union(Object.values(OUTPUTS)).nullable().describe('Of a task that succeeded.'),
    diagnosis: diagnosis.nullable().describe('Of a task that failed: why, and what to do.'),
    cancellation_reason: z.string().nullable(),
  })
  .meta({
    id: 'Result',
    examples: [
      {
        task_id: 'nightly',
        workload: 'command',
        outcome: 'succeeded',
        phase: 'ended',
        started: true,
        completed_at: '2026-01-15T12:28:41.000Z',
        job: {
          namespace: 'holdfast',
          name: 'hf-nightly-1055dda80adf1ff6d51f',
          uid: '0f1c7a52-6c0e-4a56-9d3f-0f4e2b1f9a11',
        },
        container_started_at: '2026-01-15T12:28:12Z',
        container_finished_at: '2026-01-15T12:28:40Z',
        output: { exitCode: 0 },
        diagnosis: null,
        cancellation_reason: null,
      },
    ],
  });

export type WireResult = z.infer<typeof result>;

export function wireResult(view: TaskView, ending?: TaskOutcome): WireResult {
  const result = ending?.outcome === 'succeeded' ? ending.result : undefined;
  return {
    task_id: view.taskId,
    workload: view.workload,
    outcome: view.outcome ?? null,
    phase: view.phase,
    started: view.started,
    completed_at: view.closedAt ?? null,
    job: result?.job ?? view.job ?? null,
    container_started_at: result?.startedAt ?? null,
    container_finished_at: result?.finishedAt ?? null,
    output: result?.output ?? null,
    diagnosis: wireDiagnosis(ending?.outcome === 'failed' ? ending.problem : undefined),
    cancellation_reason: ending?.outcome === 'cancelled' ? ending.reason : null,
  };
}

/** What `--help` adds to the list of options. */
import { EXIT } from '../errors.ts';

const EXITS: Readonly<Record<keyof typeof EXIT, string>> = {
  succeeded: 'done: the task succeeded (whatever its samples did), or is cancelled or killed as asked',
  taskFailed: 'the task failed, was terminated or ran into a timeout; or a sweep was refused as too large',
  badInput: 'bad input or configuration, or a right is lacking; nothing was created, or ended',
  unknownTask: 'no such task, or nothing of it in this log store',
  conflict: 'the id is taken by a task with another input; or `kill` found a later task under it',
  unreachable: 'Temporal, Kubernetes or the gateway does not answer; a task that was started goes on',
  tooLate: '`cancel` or `kill` came too late: the task had ended otherwise',
  cancelled: '`run` ended because the task was cancelled',
  unproved: '`kill` ended the task, but something of it may still run or is still there, as told',
  bug: 'a fault in Holdfast',
};

function exitCodes(): string {
  const lines = Object.entries(EXITS).map(([name, meaning]) => [EXIT[name as keyof typeof EXIT], meaning] as const);
  const signals = [
    [128, 'plus the signal, when `run` leaves a task to itself: 130 Ctrl-C twice, 143 SIGTERM'],
  ] as const;
  return [...lines, ...signals].map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n');
}

export const TOP_HELP = `
Examples:
  holdfast run evaluation --problems problems.jsonl --samples samples.jsonl.gz
  holdfast run command --image busybox:1.36 --timeout 10m -- sh -c 'echo hello'
  holdfast cancel my-task --reason "changed my mind"
  holdfast kill my-task --reason "its node is stuck"

While \`run\` follows: Ctrl-C cancels the task and waits until nothing of it runs; a second Ctrl-C leaves it to be
cancelled in the background. SIGTERM, SIGHUP and --detach leave the task running.

Exit codes:
${exitCodes()}

Which Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE; else what \`npm run up\` started, while it is up;\nelse the default profile of temporal.toml.
Over HTTP instead: HOLDFAST_URL, with HOLDFAST_API_KEY for a key or a token of the gateway.`;

export const JSON_HELP = `
With --json, stdout has one object:
  succeeded   {taskId, runId, isNew, outcome: "succeeded", result: {output, job, startedAt, finishedAt, …}}
  failed      {taskId, runId, isNew, outcome: "failed", problem: {code, message, next, facts}}
  cancelled   {taskId, runId, isNew, outcome: "cancelled", reason, started}
  other       {taskId, runId, isNew, outcome: "terminated" | "timed_out"}
  left        {taskId, runId, isNew, detached: true}
  refused     {error: {code, message, next, problems: [{field, message}], facts}}`;

export const EVALUATION_HELP = `
It exits with 0 when the evaluation was done, however many samples failed; --json has every sample's verdict.
${JSON_HELP}`;

export const COMMAND_HELP = `
Words after -- are run as given, as \`kubectl exec\` does; without any, what the image says is run.
With --entrypoint or --keep-entrypoint they are arguments, as in \`docker run\`.
A --file keeps the executable bit it has on the host, unless a mode such as 555 is given; - is standard input.

Examples:
  holdfast run command --image python:3.12-slim --file job.py:/job.py --env LEVEL=3 -- python3 /job.py
  holdfast run command --image busybox:1.36 --id nightly --detach -- sleep 600
${JSON_HELP}`;

export const SWEEP_HELP = `
It removes anchors, Jobs and Pods whose task has ended or is unknown to Temporal, once two looks have seen them.
Nothing is removed when Temporal or its namespace is in doubt, nor when more than HOLDFAST_SWEEP_MAX_PERCENT of
the runs would go.

Which cluster: HOLDFAST_KUBE_CONTEXT and HOLDFAST_KUBE_NAMESPACE; how often: HOLDFAST_SWEEP_SECONDS.
With --json: {at, seconds, looked, dryRun, runs, kept, suspects, removed: [{run, taskId, reason, kinds}],
  unfinished, refused: {because, message, next}}`;

export const KILL_HELP = `
Prefer \`cancel\`: it lets the containers end in their grace period, keeps their output, and waits for the proof. A kill
needs no worker: it terminates the task in Temporal, ends its containers at once, and says what is proved. Output that no
worker has collected by then is lost.

It needs Kubernetes as the worker does: HOLDFAST_KUBE_CONTEXT and HOLDFAST_KUBE_NAMESPACE, and the role in
deploy/rbac-kill.yaml. Several conditions must all hold. They select tasks that have something in that namespace; what
has nothing there yet does not run, and can be cancelled.

With --json, an object for each task:
  killed      {taskId, answer, was, pods: [{name, node, end, nodeState, why}], left: [{kind, name, why}]}
              answer: "killed", "killed_unproved", or "already_…" if it had ended before
  --dry-run   {taskId, workload, since, was, firstRunId, pods: [{name, phase, node}]}
  refused     {taskId, error: {code, message, next}}; without taskId if it is of them all

Examples:
  holdfast kill my-task --reason "node-3 is stuck"
  holdfast kill --workload evaluation --older-than 2h --dry-run`;

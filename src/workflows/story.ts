/**
 * What can be seen of a task while it lives and after: the state query, the memo (readable with no worker alive), and
 * the current details of the web UI. Follows along; decides nothing.
 */
import {
  CancellationScope,
  defineQuery,
  defineSignal,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type JobRef,
  type Outcome,
  type Phase,
  type Problem,
  SIGHTING_SIGNAL,
  type Sighting,
  STATE_QUERY,
  type TaskState,
  type WorkloadName,
} from '../contract.ts';
import { cancelReason } from './cancel-reason.ts';

export const stateQuery = defineQuery<TaskState>(STATE_QUERY);
export const sightingSignal = defineSignal<[Sighting]>(SIGHTING_SIGNAL);

export class Story {
  #state: TaskState;

  constructor(workload: WorkloadName) {
    this.#state = { taskId: workflowInfo().workflowId, workload, phase: 'provisioning', started: false };
    setHandler(stateQuery, () => this.#state, { description: 'Phase, Job, Pod, progress, and what keeps it.' });
    setHandler(sightingSignal, (sighting) => this.#see(sighting), {
      description: 'From the worker: what it sees of the Job.',
    });
    setCurrentDetails(markdown(this.#state));
    const root = CancellationScope.current();
    root.cancelRequested.catch(() => this.#cancelRequested());
  }

  get state(): TaskState {
    return this.#state;
  }

  /**
   * Into the next phase, with what the last one brought. What is `passing` is in no memo, for that costs an event and a
   * write to Temporal's list of workflows; nor is the first phase, in which a task without a memo is.
   */
  enter(phase: Phase, brought: { job?: JobRef; started?: boolean } = {}, passing = false): void {
    if (phase === this.#state.phase) return;
    this.#state = { ...this.#state, phase, ...brought };
    this.#show(passing);
  }

  /**
   * Before the start is asked for: with no worker alive the memo alone tells whoever ends the task that a container may have
   * been allowed, and by which Job. It says `running`, which comes in a moment, and is not written again for that.
   */
  starts(job: JobRef, started: boolean): void {
    this.#state = { ...this.#state, phase: 'starting', job, started };
    upsertMemo({ state: { ...this.#state, phase: 'running' } });
    setCurrentDetails(markdown(this.#state));
  }

  /** The platform took the Pod away, and another attempt begins: what was seen of this one is over. */
  again(because: Problem): void {
    const { job: _job, pod: _pod, progress: _progress, problem: _problem, ...rest } = this.#state;
    this.#state = { ...rest, retried: { times: (rest.retried?.times ?? 0) + 1, because } };
  }

  /** Release found that the Job had been let go, though nobody had heard of it. */
  wasStarted(): void {
    this.#state = { ...this.#state, started: true };
  }

  end(outcome: Outcome, problem?: Problem): void {
    const { problem: _, ...rest } = this.#state;
    this.#state = { ...rest, phase: 'ended', outcome, ...(problem && { problem }) };
    this.#show();
  }

  /** A running task leaves at once: the next phase tells of the cancel, too. */
  #cancelRequested(): void {
    const { cancel, phase } = this.#state;
    if (cancel !== undefined || phase === 'ended') return;
    this.#state = { ...this.#state, cancel: { reason: cancelReason(), at: new Date().toISOString() } };
    this.#show(phase === 'running');
  }

  /** A sighting that names another Job is of an earlier run: Reset delivers old signals again. */
  #see({ job, ...seen }: Sighting): void {
    if (this.#state.phase !== 'running' || job.uid !== this.#state.job?.uid) return;
    const { problem: _, ...rest } = this.#state;
    this.#state = { ...rest, ...seen };
    setCurrentDetails(markdown(this.#state));
  }

  #show(passing = false): void {
    if (!passing) upsertMemo({ state: this.#state });
    setCurrentDetails(markdown(this.#state));
  }
}

function markdown({ phase, outcome, cancel, job, pod, progress, problem, retried }: TaskState): string {
  const rows = [
    ['Phase', outcome === undefined ? phase : `${phase}: **${outcome}**`],
    ['Job', job && `\`${job.namespace}/${job.name}\``],
    [
      'Pod',
      pod ? `\`${pod.name}\` ${pod.phase}${pod.node === undefined ? '' : ` on ${pod.node}`}` : podElsewhere(phase),
    ],
    [
      'Progress',
      progress && `${progress.done} of ${progress.total}${progress.note === undefined ? '' : `, ${progress.note}`}`,
    ],
    ['Retried', retried && `${retried.times}: \`${retried.because.code}\` ${retried.because.message}`],
    ['Cancel', cancel && `requested ${cancel.at}${cancel.reason === '' ? '' : `: ${cancel.reason}`}`],
    [problem && outcome === undefined ? 'Waiting' : 'Problem', problem && `\`${problem.code}\` ${problem.message}`],
    ['What to do', problem?.next],
  ];
  const filled = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`| ${name} | ${value.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`],
  );
  return ['| | |', '|---|---|', ...filled].join('\n');
}

/** What is seen of a Pod that runs costs no history. */
function podElsewhere(phase: Phase): string | undefined {
  return phase === 'running'
    ? 'in the last heartbeat of `follow`, with the progress: see Pending Activities'
    : undefined;
}

/**
 * Jobs on paper, as the activities of a worker see them: each ends by itself at the moment that it is told, unless it has
 * been released by then. A release that finds it ended says so first, as the real one does.
 */
import { activityInfo } from '@temporalio/activity';
import type { Activities } from '../../src/activities/index.ts';
import { anchorOf, jobOf, provisionedOf, RELEASED, SUCCEEDED } from '../stage/played-cluster.ts';

export class PlayedJob {
  readonly #followed = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #became: 'succeeded' | 'stopped' | undefined;

  /** Resolves when the workflow follows it. */
  get followed(): Promise<void> {
    return this.#followed.promise;
  }

  /** What the cluster knows: nobody can be told anything else. Undefined while it runs. */
  get became(): 'succeeded' | 'stopped' | undefined {
    return this.#became;
  }

  succeed(): void {
    this.#became ??= 'succeeded';
    this.#over.resolve();
  }

  stop(): void {
    this.#became ??= 'stopped';
    this.#over.resolve();
  }

  async follow(): Promise<typeof SUCCEEDED> {
    this.#followed.resolve();
    await this.#over.promise;
    return SUCCEEDED;
  }
}

export class PlayedJobs {
  readonly #jobs = new Map<string, PlayedJob>();

  /** Before its task is started. */
  add(taskId: string): PlayedJob {
    const job = new PlayedJob();
    this.#jobs.set(taskId, job);
    return job;
  }

  forget(taskId: string): void {
    this.#jobs.delete(taskId);
  }

  get activities(): Activities {
    const own = () => this.#own();
    return {
      provision: async (run) => provisionedOf(anchorOf(run)),
      admit: async () => undefined,
      reserve: async (held) => jobOf(held),
      start: async () => undefined,
      queue: async () => undefined,
      follow: () => own().follow(),
      release: async ({ settled }) => {
        const job = own();
        if (!settled && job.became === 'succeeded') return { is: 'unsettled', ending: SUCCEEDED };
        job.stop();
        return RELEASED;
      },
    };
  }

  #own(): PlayedJob {
    const { workflowId = '' } = activityInfo().workflowExecution ?? {};
    const job = this.#jobs.get(workflowId);
    if (job === undefined) throw new TypeError(`no Job is played for ${workflowId}`);
    return job;
  }
}

/** A world that answers: activities that do nothing but say what a cluster might, and remember what they were asked. */
import { activityInfo, ApplicationFailure, Context } from '@temporalio/activity';
import { anchorOf, jobOf, provisionedOf, RELEASED, SUCCEEDED } from '../../lab/stage/played-cluster.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { ReleaseInput } from '../../src/activities/release.ts';
import type { Problem, RunRef } from '../../src/contract.ts';

export { anchorOf, jobOf, provisionedOf, RELEASED, SUCCEEDED };

export interface World extends Activities {
  /** Verbs in the order in which they were asked for; a retry counts again. */
  readonly asked: readonly string[];
  readonly releases: readonly ReleaseInput[];
  readonly runs: readonly RunRef[];
}

/** Everything goes well, but for what is said otherwise. */
export function world(otherwise: Partial<Activities> = {}): World {
  const asked: string[] = [];
  const releases: ReleaseInput[] = [];
  const runs: RunRef[] = [];
  const well: Activities = {
    provision: async (run) => provisionedOf(anchorOf(run)),
    admit: async () => undefined,
    reserve: async (held) => jobOf(held),
    start: async () => undefined,
    queue: async () => undefined,
    follow: async () => SUCCEEDED,
    release: async () => RELEASED,
  };
  const plays = { ...well, ...otherwise };
  return {
    asked,
    releases,
    runs,
    provision: (run, task) => {
      asked.push('provision');
      runs.push(run);
      return plays.provision(run, task);
    },
    admit: (held, wish) => {
      asked.push('admit');
      return plays.admit(held, wish);
    },
    reserve: (held) => {
      asked.push('reserve');
      return plays.reserve(held);
    },
    start: (held, job) => {
      asked.push('start');
      return plays.start(held, job);
    },
    queue: (held, job) => {
      asked.push('queue');
      return plays.queue(held, job);
    },
    follow: (held, job) => {
      asked.push('follow');
      return plays.follow(held, job);
    },
    release: (input) => {
      asked.push('release');
      releases.push(input);
      return plays.release(input);
    },
  };
}

export function failure(code: string, message: string = code): ApplicationFailure {
  const details: Problem[] = [{ code, message, next: 'Do something.' }];
  return ApplicationFailure.create({ message, type: code, nonRetryable: true, details });
}

/** The attempt ends, and the next one begins so much later: a time in which no activity holds the server's clock. */
export function later(nextRetryDelay: '1 hour' | '10 days'): ApplicationFailure {
  return ApplicationFailure.create({ message: 'not yet', type: 'KUBERNETES_UNREACHABLE', nextRetryDelay });
}

export function attempt(): number {
  return activityInfo().attempt;
}

/** Goes on until it is told to end. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 50);
  return context.cancelled.finally(() => clearInterval(beat));
}

/** A moment of the plot that a test waits for. */
export class Moment {
  readonly reached: Promise<void>;
  readonly reach: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.reached = promise;
    this.reach = resolve;
  }
}

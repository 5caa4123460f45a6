/** What the routes stand on. */
import type { Logger } from 'pino';
import type { HoldfastClient } from '../client.ts';
import type { Identify } from './auth/guard.ts';
import type { GatewayMetrics } from './metrics.ts';

export interface Deps {
  readonly client: HoldfastClient;
  readonly taskQueue: string;
  /** Folder of the log store, which is on a volume of the workers'. */
  readonly logDir: string;
  readonly identify: Identify;
  /** Requests that one caller may make in a minute. */
  readonly rate: number;
  /** Addresses and networks of proxies that are believed to say for whom they ask. Default none. */
  readonly proxies?: readonly string[];
  /** Whether whoever runs it gave it access to Kubernetes. Default false. */
  readonly mayKill?: boolean;
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  /** Aborted when the process is asked to end: who waits for something answers with what there is. */
  readonly stopping: AbortSignal;
}

/** Longest time for a question that Temporal answers at once. Milliseconds. */
const ASK_MS = 10_000;

/** Asks Temporal, which has this long to answer; a wait for something to happen is no such question. */
export function ask<T>({ client }: Pick<Deps, 'client'>, question: () => Promise<T>, ms = ASK_MS): Promise<T> {
  return client.temporal.withDeadline(Date.now() + ms, question);
}

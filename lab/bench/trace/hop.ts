/** One thing that is done on a task's way, and when. */
export interface Hop {
  /** Milliseconds since the client was asked. */
  readonly at: number;
  readonly who: 'client' | 'Temporal' | 'worker' | 'Kubernetes' | 'container';
  readonly what: string;
  /** Milliseconds. */
  readonly took?: number;
}

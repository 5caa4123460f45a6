/** What a diagnosis is made from. */
import type { CoreV1Event, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';

export interface Findings {
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
  /** Of the Job and of its Pod. */
  readonly events: readonly CoreV1Event[];
  /** Empty: not known. */
  readonly nodes: readonly V1Node[];
}

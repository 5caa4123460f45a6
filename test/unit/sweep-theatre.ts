/** A cluster and a Temporal that tell a sweeper what a test has them tell. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { RemoveOptions } from '../../src/activities/remove-run.ts';
import type { NamedRun } from '../../src/activities/world.ts';
import { fencedMetadata } from '../../src/fence.ts';
import { Sweeper, type SweeperDeps } from '../../src/sweeper/sweeper.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
export const OURS = 'ours';
export const never = new AbortController().signal;

export function anchorOf(taskId: string, ageSeconds = 60, temporal = OURS): V1ObjectMeta {
  const metadata = fencedMetadata(temporal, { taskId, runId: 'r', attempt: 1 }, 'command', 'hash');
  const creationTimestamp = new Date(NOW.getTime() - ageSeconds * 1_000);
  return { ...metadata, uid: `uid of ${taskId}`, creationTimestamp };
}

/** A Temporal in which tasks named `open…` are open, `gone…` unknown, and all others closed. */
export class Theatre {
  anchors: V1ObjectMeta[] = [];
  namespaceId: () => string = () => OURS;
  describe: (taskId: string) => string = (taskId) => {
    if (taskId.startsWith('gone')) throw new WorkflowNotFoundError('no such', taskId, undefined);
    return taskId.startsWith('open') ? 'RUNNING' : 'TERMINATED';
  };
  /** What its list has as open, a page each. */
  listed: () => readonly (readonly string[])[] = () => [];
  readonly asked: string[] = [];
  readonly removed: string[] = [];
  remove: (run: NamedRun, options: RemoveOptions) => Promise<void> = async ({ name, taskId }, { before }) => {
    await before?.({ do: 'delete anchor', uid: 'u' }, { anchor: undefined, job: undefined, pods: [] });
    this.removed.push(taskId);
    this.anchors = this.anchors.filter((anchor) => anchor.name !== name);
  };

  sweeper(more: Partial<SweeperDeps> = {}): Sweeper {
    return new Sweeper({
      api: { listMarks: async () => ({ anchors: this.anchors, jobs: [], at: NOW }) },
      client: this.#client(),
      taskQueue: 'holdfast',
      remove: (run, _, __, options) => this.remove(run, options),
      rules: { minAgeSeconds: 30, maxPercent: 50 },
      ...more,
    });
  }

  #page(index: number) {
    const pages = this.listed();
    const executions = (pages[index] ?? []).map((workflowId) => ({ execution: { workflowId } }));
    return { executions, nextPageToken: new Uint8Array(index + 1 < pages.length ? [index + 1] : []) };
  }

  #client(): Client {
    const describe = async (taskId: string) => {
      this.asked.push(taskId);
      return { status: { name: this.describe(taskId) } };
    };
    return {
      options: { namespace: 'default' },
      withDeadline: (_: number, ask: () => Promise<unknown>) => ask(),
      workflowService: {
        describeNamespace: async () => ({ namespaceInfo: { id: this.namespaceId() } }),
        listWorkflowExecutions: async ({ nextPageToken }: { nextPageToken?: Uint8Array }) =>
          this.#page(nextPageToken?.[0] ?? 0),
      },
      workflow: { getHandle: (taskId: string) => ({ describe: () => describe(taskId) }) },
    } as unknown as Client;
  }
}

export const away = (): never => {
  throw Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'nobody listens' });
};

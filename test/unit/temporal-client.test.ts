import { type Client, WorkflowFailedError } from '@temporalio/client';
import { TerminatedFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { HoldfastClient } from '../../src/client.ts';
import { outcomeOf } from '../../src/client/temporal/end.ts';
import { WORKFLOW_TYPE } from '../../src/contract.ts';

it('asks for the id of its namespace once, and again only if that failed', async () => {
  const answers = [new Error('away'), { namespaceInfo: { id: 'uuid' } }];
  let asked = 0;
  const describeNamespace = async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const temporal = { options: { namespace: 'n' }, workflowService: { describeNamespace } } as unknown as Client;
  const client = new HoldfastClient(temporal, { taskQueue: 'q', logDir: '/nowhere' });
  await expect(client.namespaceId()).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
  expect(await Promise.all([client.namespaceId(), client.namespaceId()])).toEqual(['uuid', 'uuid']);
  expect(await client.namespaceId()).toBe('uuid');
  expect(asked).toBe(2);
});

it('refuses a start once, for all that is wrong with task, id and priority, and asks Temporal nothing', async () => {
  const client = new HoldfastClient({} as Client, { taskQueue: 'q', logDir: '/nowhere' });
  const refused = client.start({ workload: 'command', image: 'A B' }, { id: 'a ', priority: 9 });
  await expect(refused).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    facts: { problems: [{ field: 'id' }, { field: 'priority' }, { field: 'image' }] },
  });
});

/** Runs of the id `t`, oldest first, as Temporal has them: each ends when it is waited for, and then the next one is there. */
interface Run {
  readonly runId: string;
  readonly firstRunId: string;
  readonly end: 'COMPLETED' | 'CANCELLED' | 'TERMINATED';
}

class ScriptedTemporal {
  /** First run ids that a cancel was asked for with. */
  readonly cancels: string[] = [];
  readonly client: HoldfastClient;
  readonly #runs: readonly Run[];
  #latest = 0;
  #isOpen = true;

  constructor(...runs: readonly Run[]) {
    this.#runs = runs;
    const temporal = {
      options: { namespace: 'n', identity: 'i' },
      workflow: {
        getHandle: (_: string, runId?: string) => {
          const at = runId === undefined ? this.#latest : runs.findIndex((run) => run.runId === runId);
          return { describe: async () => this.#describe(at), result: async () => this.#result(at) };
        },
      },
      workflowService: {
        requestCancelWorkflowExecution: async ({ firstExecutionRunId }: { readonly firstExecutionRunId: string }) =>
          this.cancels.push(firstExecutionRunId),
      },
    };
    this.client = new HoldfastClient(temporal as unknown as Client, { taskQueue: 'q', logDir: '/nowhere' });
  }

  #describe(at: number) {
    const { runId, firstRunId, end } = this.#runs[at] ?? { runId: '', firstRunId: '', end: 'COMPLETED' };
    const isOpen = at === this.#latest && this.#isOpen;
    return {
      workflowId: 't',
      runId,
      type: WORKFLOW_TYPE,
      status: { name: isOpen ? 'RUNNING' : end },
      startTime: new Date(0),
      memo: { state: { taskId: 't', workload: 'command', phase: 'running', started: true } },
      raw: { workflowExecutionInfo: { firstRunId } },
    };
  }

  #result(at: number): string {
    if (at === this.#latest && this.#latest < this.#runs.length - 1) this.#latest += 1;
    else if (at === this.#latest) this.#isOpen = false;
    if (this.#runs[at]?.end === 'COMPLETED') return 'done';
    throw new WorkflowFailedError('ended', new TerminatedFailure('terminated'), 'NON_RETRYABLE_FAILURE');
  }
}

describe('a Reset while somebody waits', () => {
  const reset = { runId: 'one', firstRunId: 'one', end: 'TERMINATED' } as const;

  it('does not end the task: its result is that of the run that goes on', async () => {
    const { client } = new ScriptedTemporal(reset, { runId: 'two', firstRunId: 'one', end: 'COMPLETED' });
    expect(await client.result('t')).toEqual({ outcome: 'succeeded', result: 'done' });
    const ended = new ScriptedTemporal(reset, { runId: 'two', firstRunId: 'one', end: 'TERMINATED' });
    expect(await ended.client.result('t')).toEqual({ outcome: 'terminated' });
  });

  it('leaves the run that it replaced terminated, for who asks of that one', async () => {
    const { client } = new ScriptedTemporal(reset, { runId: 'two', firstRunId: 'one', end: 'COMPLETED' });
    expect(await outcomeOf(client.temporal, 't', 'one')).toEqual({ outcome: 'terminated' });
  });

  it('makes a run that has heard of no cancel: it is asked to end, too', async () => {
    const temporal = new ScriptedTemporal(reset, { runId: 'two', firstRunId: 'one', end: 'CANCELLED' });
    expect(await temporal.client.cancel('t')).toBe('cancelled_running');
    expect(temporal.cancels).toEqual(['one', 'one']);
  });

  it('is none if another task was started under the id: that one is left alone', async () => {
    const temporal = new ScriptedTemporal(reset, { runId: 'two', firstRunId: 'two', end: 'COMPLETED' });
    expect(await temporal.client.cancel('t')).toBe('already_terminated');
    expect(temporal.cancels).toEqual(['one']);
  });
});

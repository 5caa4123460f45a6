/** What is told of a task, from Temporal's record, the memo, and the last heartbeat. */
import type { Client, WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { Sighting, TaskState } from '../../src/contract.ts';
import { summaryOf, viewOf } from '../../src/task-view.ts';

const JOB = { namespace: 'ns', name: 'hf-x', uid: 'job-uid' };
const STATE: TaskState = { taskId: 't', workload: 'command', phase: 'running', started: true, job: JOB };
const STARTED = new Date('2026-01-01T00:00:00Z');

function info(status: string, state?: TaskState, more: object = {}): WorkflowExecutionInfo {
  return {
    workflowId: 't',
    runId: 'run-2',
    status: { code: 1, name: status },
    memo: state && { state },
    startTime: STARTED,
    ...more,
  } as unknown as WorkflowExecutionInfo;
}

function described(
  sighting: Sighting | undefined,
  given: { status?: string; cancelRequested?: boolean; beside?: string } = {},
) {
  const payloads = sighting && { payloads: [defaultPayloadConverter.toPayload(sighting)] };
  const pendingActivities = [
    { activityType: { name: given.beside ?? 'sweep' } },
    { activityType: { name: 'follow' }, heartbeatDetails: payloads },
  ];
  const raw = { pendingActivities, workflowExtendedInfo: { cancelRequested: given.cancelRequested ?? false } };
  return info(
    given.status ?? 'RUNNING',
    { ...STATE, problem: { code: 'OLD', message: 'm' } },
    { raw },
  ) as WorkflowExecutionDescription;
}

/** Nothing is asked of the server: only the client's converter is used. */
const client = {
  options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter, payloadCodecs: [] } },
} as unknown as Client;

describe('a summary', () => {
  it.each([
    ['COMPLETED', 'succeeded'],
    ['FAILED', 'failed'],
    ['CANCELLED', 'cancelled'],
    ['TERMINATED', 'terminated'],
    ['TIMED_OUT', 'timed_out'],
  ])('of a task that Temporal calls %s is %s, whatever its memo said last', (status, outcome) => {
    const closeTime = new Date('2026-01-01T00:01:00Z');
    const view = summaryOf(info(status, STATE, { closeTime }));
    expect(view).toMatchObject({
      outcome,
      phase: 'ended',
      open: false,
      closedAt: '2026-01-01T00:01:00.000Z',
      job: JOB,
    });
  });

  it('of an open task has the phase that its memo says, and no outcome', () => {
    const view = summaryOf(info('RUNNING', STATE));
    const startedAt = STARTED.toISOString();
    expect(view).toEqual({ ...STATE, runId: 'run-2', open: true, cancelRequested: false, startedAt });
  });

  it('of a task that no worker has seen yet is that it is being provisioned', () => {
    expect(summaryOf(info('RUNNING'))).toMatchObject({
      taskId: 't',
      phase: 'provisioning',
      started: false,
      open: true,
    });
  });

  it('is of the run that Temporal names, though the memo is of the run before', () => {
    expect(summaryOf(info('RUNNING', { ...STATE, taskId: 'other' }))).toMatchObject({ taskId: 't', runId: 'run-2' });
  });
});

describe('a view', () => {
  const seen: Sighting = { job: JOB, pod: { name: 'p', phase: 'Running' }, progress: { done: 1, total: 2 } };

  it('has what was seen last, and not the problem of before', async () => {
    const view = await viewOf(client, described(seen));
    expect(view).toMatchObject({ phase: 'running', pod: seen.pod, progress: seen.progress });
    expect(view).not.toHaveProperty('problem');
  });

  it('is releasing while release is under way, which no memo says of a task that ended by itself', async () => {
    expect(await viewOf(client, described(seen, { beside: 'release' }))).toMatchObject({ phase: 'releasing' });
    expect((await viewOf(client, described(seen, { beside: 'release', status: 'COMPLETED' }))).phase).toBe('ended');
  });

  it('is starting while the start is asked for, though its memo says already that it runs', async () => {
    expect(await viewOf(client, described(undefined, { beside: 'start' }))).toMatchObject({ phase: 'starting' });
  });

  it('has the problem that is seen now', async () => {
    const problem = { code: 'UNSCHEDULABLE', message: 'm' };
    expect(await viewOf(client, described({ job: JOB, problem }))).toMatchObject({ problem });
  });

  it('has nothing of another Job, nor of a task that has ended, nor where nothing was seen', async () => {
    const other = { ...seen, job: { ...JOB, uid: 'of before a Reset' } };
    for (const description of [described(other), described(seen, { status: 'FAILED' }), described(undefined)])
      expect(await viewOf(client, description)).not.toHaveProperty('pod');
  });

  it('tells a cancel that is recorded, though no worker has seen it', async () => {
    const view = await viewOf(client, described(undefined, { cancelRequested: true }));
    expect(view).toMatchObject({ cancelRequested: true, phase: 'running' });
    expect(view.cancel).toBeUndefined();
  });
});

/** Who waits for a task learns of its end from Temporal, or in its own process, where it has nothing more to say then. */
import { once } from 'node:events';
import { CompleteAsyncError } from '@temporalio/activity';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { Followed } from '../../src/activities/followed.ts';
import { isReleasedHere, longWait } from '../../src/activities/long-wait.ts';
import { Unreleased } from '../../src/unreleased.ts';
import type { Performing } from '../../src/activities/perform.ts';
import { ANCHOR, NAMESPACE_ID } from './cluster-objects.ts';

const FORGOTTEN = new ActivityCancellationDetails({ notFound: true });
const CANCELLED = new ActivityCancellationDetails({ cancelRequested: true });
const { name } = ANCHOR;

let followed: Followed;
let unreleased: Unreleased;
let listed: number;
let worker: AbortController;
beforeEach(() => {
  [followed, unreleased, listed] = [new Followed(), new Unreleased(), 0];
  worker = new AbortController();
});

/** An activity that sees nothing, in a process with nothing else. */
async function waiting(runId = ANCHOR.run.runId) {
  const list = async () => ((listed += 1), []);
  const api = { listAnchors: list, listJobs: list };
  const deps = { followed, unreleased, stopping: worker.signal, api, temporalNamespaceId: NAMESPACE_ID };
  const open = { describe: async () => ({ status: { name: 'RUNNING' } }) };
  const client = {
    withAbortSignal: (_: AbortSignal, ask: () => unknown) => ask(),
    workflow: { getHandle: () => open },
  };
  const environment = new MockActivityEnvironment(
    { workflowExecution: { workflowId: ANCHOR.run.taskId, runId } },
    { client: client as unknown as Client },
  );
  const ended = environment.run(() => longWait(deps as unknown as Deps, ANCHOR, seeNothing));
  await vi.waitUntil(() => followed.has(name));
  return { environment, ended };
}

function seeNothing({ signal }: Performing): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

it('whoever follows what was released here tells nothing: it beats until Temporal has forgotten it, and leaves it at that', async () => {
  const { environment, ended } = await waiting();
  const refused = expect(ended).rejects.toThrow('NOT_FOUND');
  expect(isReleasedHere({ followed, unreleased }, name)).toBe(false);
  await unreleased.during(name, 0, async () => {
    expect(isReleasedHere({ followed, unreleased }, name)).toBe(true);
    followed.released(name);
  });
  expect(isReleasedHere({ followed, unreleased }, name)).toBe(true);
  await once(environment, 'heartbeat');
  environment.cancel('NOT_FOUND', FORGOTTEN);
  await refused;
  expect([listed, followed.has(name)]).toEqual([0, false]);
});

it('whoever is cancelled while it is released here answers nothing, when that is done', async () => {
  const { environment, ended } = await waiting();
  const silent = expect(ended).rejects.toThrow(CompleteAsyncError);
  await unreleased.during(name, 0, async () => {
    environment.cancel('CANCELLED', CANCELLED);
    followed.released(name);
  });
  await silent;
});

it('a run that goes on with what another made, by a Reset, hears nothing of the release of that', async () => {
  const { environment, ended } = await waiting('a later run');
  const refused = expect(ended).rejects.toThrow('CANCELLED');
  await unreleased.during(name, 0, async () => followed.released(name));
  expect(isReleasedHere({ followed, unreleased }, name)).toBe(false);
  environment.cancel('CANCELLED', CANCELLED);
  await refused;
});

it('whoever is cancelled while nothing is released here says so', async () => {
  const { environment, ended } = await waiting();
  const refused = expect(ended).rejects.toThrow('CANCELLED');
  environment.cancel('CANCELLED', CANCELLED);
  await refused;
});

it('whoever Temporal forgets without a release here looks for what was left', async () => {
  const { environment, ended } = await waiting();
  const refused = expect(ended).rejects.toThrow('NOT_FOUND');
  environment.cancel('NOT_FOUND', FORGOTTEN);
  await refused;
  expect(listed).toBeGreaterThan(0);
});

it('whoever waits is handed back at once when its worker stops, for another to go on', async () => {
  const { ended } = await waiting();
  const refused = expect(ended).rejects.toMatchObject({ type: 'WorkerShutdown', nonRetryable: false });
  worker.abort(new Error('the worker stops'));
  await refused;
  expect([listed, followed.has(name)]).toEqual([0, false]);
});

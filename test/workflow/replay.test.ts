/** Tasks that run while a new version is rolled out go on under it: what they have done so far replays. */
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { expect, inject, it } from 'vitest';
import { recordedHistories } from '../histories/recorded.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

it('the workflow as it is now agrees with every recorded history', async () => {
  const recorded = recordedHistories();
  const options = { workflowBundle: { codePath: inject('workflowBundle') } };
  const results: Record<string, string> = {};
  for await (const { workflowId, error } of Worker.runReplayHistories(options, recorded)) {
    const name = recorded.find((one) => one.workflowId === workflowId)?.name ?? workflowId;
    results[name] = error === undefined ? 'replays' : String(error);
  }
  expect(results).toEqual(Object.fromEntries(recorded.map(({ name }) => [name, 'replays'])));
});

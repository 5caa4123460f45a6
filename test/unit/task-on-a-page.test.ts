/** The example for front ends keeps what docs/client.md promises of it. */
import { describe, expect, it } from 'vitest';
import { TaskOnAPage } from '../../examples/task-on-a-page.ts';
import type { CancelAnswer, TaskClient, TaskEvent } from '../../src/http.ts';

function played(answers: readonly (CancelAnswer | Error)[], events: readonly TaskEvent[] = []) {
  const left = [...answers];
  let asked = 0;
  const client = {
    async cancel() {
      asked += 1;
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async *events() {
      yield* events;
    },
  } as unknown as TaskClient;
  return { page: new TaskOnAPage(client, 't'), asked: () => asked };
}

describe('a page', () => {
  it('sends one cancel, however often somebody clicks', async () => {
    const { page, asked } = played(['cancelled_running']);
    const answers = await Promise.all([page.cancel('r'), page.cancel('r'), page.cancel('r')]);
    expect(answers).toEqual(Array(3).fill('cancelled_running'));
    expect([asked(), page.canCancel]).toEqual([1, false]);
  });

  it('sends none once it has seen the end', async () => {
    const { page, asked } = played(['already_completed'], [{ event: 'outcome', outcome: 'terminated' }]);
    await page.follow(() => undefined, new AbortController().signal);
    expect(await page.cancel('r')).toBeUndefined();
    expect(asked()).toBe(0);
  });

  it('may ask again what did not come through', async () => {
    const { page, asked } = played([new Error('away'), 'cancelling']);
    await expect(page.cancel('r')).rejects.toThrow('away');
    expect(await page.cancel('r')).toBe('cancelling');
    expect(asked()).toBe(2);
  });
});

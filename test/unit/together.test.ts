/** A worker's parts: none goes on without the others. */
import { describe, expect, it, vi } from 'vitest';
import { together } from '../../src/together.ts';

function part() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { run: () => promise, end: resolve, fail: reject };
}

describe('parts that run together', () => {
  it('are all stopped when one fails, and tell why only when each has ended', async () => {
    const [one, other] = [part(), part()];
    const events: string[] = [];
    const stop = () => {
      events.push('stop');
      setImmediate(() => {
        events.push('the other has ended');
        other.end();
      });
    };
    const running = together([one.run, other.run], stop).catch((error: unknown) => events.push(String(error)));
    one.fail(new Error('the workflow thread has ended'));
    await running;
    expect(events).toEqual(['stop', 'the other has ended', 'Error: the workflow thread has ended']);
  });

  it('go on when one has ended in peace', async () => {
    const [one, other] = [part(), part()];
    const stopped = vi.fn();
    const running = together([one.run, other.run], stopped);
    one.end();
    await one.run();
    other.end();
    await expect(running).resolves.toBeUndefined();
    expect(stopped).not.toHaveBeenCalled();
  });
});

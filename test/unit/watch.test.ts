/** How often a task is looked at while it is followed, and that looking ends. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Display, watch } from '../../src/cli/watch.ts';
import type { Abortable, TaskClient } from '../../src/client.ts';
import type { TaskView } from '../../src/task-view.ts';
import { RUNNING } from './running-view.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const display: Display = { show: () => undefined, say: () => undefined, end: () => undefined };

class Task {
  looks = 0;
  phase: TaskView['phase'] = 'running';
  signal: AbortSignal | undefined;
  readonly #end = Counting.withResolvers<string>();
  readonly watched: Promise<string>;

  constructor(more: object = {}) {
    const describe = async (_: string, { signal }: Abortable = {}) => {
      this.looks += 1;
      this.signal = signal;
      return { ...RUNNING, phase: this.phase };
    };
    this.watched = watch({ describe, ...more } as unknown as TaskClient, 't', display, this.#end.promise);
  }

  async looksWithin(ms: number): Promise<number> {
    const before = this.looks;
    await vi.advanceTimersByTimeAsync(ms);
    return this.looks - before;
  }

  end(): Promise<string> {
    this.#end.resolve('over');
    return this.watched;
  }
}

describe('a task that is followed', () => {
  it('over HTTP is looked at often while it moves, and more and more rarely while it stands still', async () => {
    const task = new Task();
    expect(await task.looksWithin(4_000)).toBe(10);
    expect(await task.looksWithin(56_000)).toBeLessThan(40);
    expect(await task.looksWithin(60_000)).toBe(20);
    task.phase = 'releasing';
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await task.looksWithin(4_000)).toBeGreaterThanOrEqual(9);
    expect(await task.end()).toBe('over');
  });

  it('over Temporal is looked at as often as ever', async () => {
    const task = new Task({ temporal: { withAbortSignal: async () => undefined } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await task.looksWithin(4_000)).toBe(10);
    await task.end();
  });

  it('is left when it is over, though a look hangs, and nobody looks any more', async () => {
    let signal: AbortSignal | undefined;
    const hangs = (_: string, options: Abortable = {}) => {
      signal = options.signal;
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    const task = new Task({ describe: hangs });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await task.end()).toBe('over');
    expect(signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves nothing behind with each look', async () => {
    vi.useRealTimers();
    const task = new Task();
    await vi.waitFor(() => expect(task.looks).toBeGreaterThan(1), WITHIN);
    const { made } = Counting;
    await vi.waitFor(() => expect(task.looks).toBeGreaterThan(4), WITHIN);
    expect(Counting.made).toBe(made);
    expect(getEventListeners(task.signal ?? new EventTarget(), 'abort').length).toBeLessThan(2);
    await task.end();
  });
});

const WITHIN = { timeout: 20_000 };

/** Counts itself and what was made of it: each `then` makes one. */
class Counting<T> extends Promise<T> {
  static made = 0;

  constructor(executor: ConstructorParameters<typeof Promise<T>>[0]) {
    super(executor);
    Counting.made += 1;
  }
}

import { getEventListeners } from 'node:events';
import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { abortable, leftOf } from '../../src/client/temporal/abortable.ts';

describe('a call with a signal', () => {
  const temporal = { withAbortSignal: (_: AbortSignal, ask: () => Promise<unknown>) => ask() } as unknown as Client;

  it('ends at once, though Temporal is about to be asked again and does not hear of the signal', async () => {
    const leave = new AbortController();
    const asked = abortable(temporal, leave.signal, () => new Promise(() => undefined));
    leave.abort(new Error('had to go'));
    await expect(asked).rejects.toThrow('had to go');
  });

  it('is remembered until it is over, if it was ended so, for who closes the connection', async () => {
    const leave = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const asked = abortable(temporal, leave.signal, () => promise);
    leave.abort();
    await expect(asked).rejects.toThrow('aborted');
    const left = leftOf(temporal).slice(-1);
    expect(left).toEqual([promise]);
    reject(new Error('given up'));
    await Promise.allSettled(left);
    expect(leftOf(temporal)).not.toContain(promise);
  });

  it('leaves nothing on it, however often it is made', async () => {
    const { signal } = new AbortController();
    const sdk = {
      withAbortSignal: (given: AbortSignal, ask: () => Promise<unknown>) => {
        given.addEventListener('abort', () => undefined);
        return ask();
      },
    } as unknown as Client;
    for (let call = 0; call < 20; call += 1) await abortable(sdk, signal, async () => call);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

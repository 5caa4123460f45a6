import { describe, expect, it } from 'vitest';
import { within } from '../../src/kubernetes/within.ts';

const LONG_MS = 60_000;
const deaf = () => new Promise<never>(() => undefined);

describe('a deadline', () => {
  it('ends what heeds no signal, as a request does that has no connection yet', async () => {
    await expect(within(1, undefined, deaf)).rejects.toThrow('timeout: no answer within 1 ms');
  });

  it('is over with the caller, for the reason of the caller, also if that was gone before', async () => {
    const caller = new AbortController();
    const ended = within(LONG_MS, caller.signal, deaf);
    caller.abort(new Error('cancelled'));
    await expect(ended).rejects.toThrow('cancelled');
    await expect(within(LONG_MS, caller.signal, deaf)).rejects.toThrow('cancelled');
  });

  it('tells whoever works for it, and gives what came of the work', async () => {
    const seen = within(1, undefined, (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)));
    await expect(seen).rejects.toThrow('timeout');
    await expect(within(LONG_MS, undefined, async () => 'done')).resolves.toBe('done');
  });
});

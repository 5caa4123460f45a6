/** The baselines are at their best: what they promise each other holds before any fault is thrown at them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { marksInTable } from '../../lab/protocols/marks.ts';
import { naive } from '../../lab/protocols/naive.ts';
import type { Parts, Reply, Routes } from '../../lab/protocols/protocol.ts';
import { Records } from '../../lab/protocols/records.ts';
import { twoPhase } from '../../lab/protocols/two-phase.ts';

let folder: string;
let records: Records;
/** Names of the Jobs that a Kubernetes without delays has. */
let jobs: Set<string>;
let parts: Parts;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-platform-'));
  records = new Records(join(folder, 'platform.sqlite'));
  jobs = new Set();
  parts = fakeParts();
});
afterEach(() => {
  records.close();
  rmSync(folder, { recursive: true });
});

/** Dispatcher and API server without a network between them. */
function fakeParts(): Parts {
  let routes: Routes = {};
  const fake = {
    records,
    table: marksInTable(records.database),
    jobs: {
      create: async (id: string) => void jobs.add(id),
      kill: async (id: string): Promise<Reply> => (jobs.delete(id) ? 'killed' : 'not found'),
    },
    dispatcher: { post: async (route: string, id: string) => routes[route]?.(id) ?? 'refused' },
    cleanUpSeconds: 300,
  } as unknown as Parts;
  routes = { ...naive.dispatch(fake), ...twoPhase.dispatch(fake) };
  return fake;
}

describe('the records', () => {
  it('move a status only from where it was said to be', () => {
    records.submit('a');
    expect(records.move('a', ['running'], 'cancelled')).toBe(false);
    expect(records.move('a', ['pending'], 'cancelled')).toBe(true);
    expect(records.status('a')).toBe('cancelled');
    expect(records.status('b')).toBeUndefined();
  });

  it('deliver a message again when its worker died, and not when its work was done', () => {
    records.submit('a');
    expect(records.take()).toBe('a');
    expect(records.take()).toBeUndefined();
    records.deliverAgain();
    expect(records.take()).toBe('a');
    records.done('a');
    records.deliverAgain();
    expect(records.take()).toBeUndefined();
  });

  it('swap a mark only from one of the words that were named, and tell what it was', async () => {
    const marks = marksInTable(records.database);
    expect(await marks.swap('k', [''], 'valid')).toBe('');
    expect(await marks.swap('k', [''], 'other')).toBe('valid');
    expect(await marks.swap('k', ['x', 'valid'], 'taken')).toBe('valid');
    expect(await marks.swap('k', [], '')).toBe('taken');
  });
});

describe.each([naive, twoPhase])('without a fault, $name', (baseline) => {
  it('creates one Job, and a cancel removes it', async () => {
    records.submit('a');
    await baseline.work(parts, 'a');
    expect([...jobs]).toEqual(['a']);
    expect(records.status('a')).toBe('running');
    expect(await baseline.cancel(parts, 'a')).toBe('cancelled');
    expect([...jobs]).toEqual([]);
  });

  it('creates nothing for a task that was cancelled before', async () => {
    records.submit('a');
    expect(await baseline.cancel(parts, 'a')).toBe('cancelled');
    await baseline.work(parts, 'a');
    expect([...jobs]).toEqual([]);
  });

  it('gives a repeated cancel the same ending, and knows no task that was never submitted', async () => {
    records.submit('a');
    await baseline.cancel(parts, 'a');
    expect(await baseline.cancel(parts, 'a')).toBe('already_cancelled');
    expect(await baseline.cancel(parts, 'b')).toBe('unknown_task');
  });
});

describe('two phases', () => {
  it('create nothing when the cancel comes between them', async () => {
    records.submit('a');
    records.move('a', ['pending'], 'provisioning');
    await parts.dispatcher.post('/reserve', 'a');
    expect(await twoPhase.cancel(parts, 'a')).toBe('cancelled');
    expect(await parts.dispatcher.post('/confirm', 'a')).toBe('refused');
    expect([...jobs]).toEqual([]);
  });
});

/** The quick sweep: some of every fault at every request, and random schedules. The long one is `npm run lab -- sweep`. */
import { afterAll, describe, expect, inject, it } from 'vitest';
import { parseCase } from '../../lab/sweep/cases.ts';
import { Results } from '../../lab/sweep/results.ts';
import { allCases, sweep } from '../../lab/sweep/sweep.ts';
import { images } from './scene.ts';

/** Requests of a clean run that touch its objects, about; positions beyond it are never reached and do no harm. */
const REQUESTS = 21;
const QUICK = 96;
const MINUTES = 3;

const results = Results.open(undefined, 'this one');
afterAll(async () => {
  const { all } = await results;
  console.log(`${all.length} cases of the sweep were played`);
});

async function play(cases: readonly ReturnType<typeof parseCase>[]): Promise<void> {
  const { busybox } = await images();
  const { bystandersUntouched } = await sweep({
    cases,
    image: busybox,
    workflowBundle: inject('workflowBundle'),
    results: await results,
    onUnplayed: (ids, error) => console.log(`not played to the end: ${ids.join(', ')}: ${String(error)}`),
    until: Date.now() + MINUTES * 60_000,
  });
  expect(bystandersUntouched).toBe(true);
}

describe('the sweep', () => {
  it('finds no broken promise, whatever the network and the worker do', async () => {
    const planned = allCases(REQUESTS).take(QUICK).toArray();
    const random = Array.from({ length: QUICK / 3 }, (_, seed) => parseCase(`seed:${seed + 1}`));
    await play([...random, ...planned]);
    const { all } = await results;
    const broken = all.filter(({ offences }) => offences.length > 0);
    expect(broken).toEqual([]);
    expect(all.length).toBeGreaterThan(QUICK / 3);
  }, 600_000);
});

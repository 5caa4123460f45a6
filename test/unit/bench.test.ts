/** What is said of speed follows from what was measured. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { interleaved } from '../../lab/bench/bench.ts';
import { momentOf } from '../../lab/bench/container-words.ts';
import { estimate, exactly, ratio, sides } from '../../lab/bench/estimate.ts';
import { accepted, exceeded, type Limit, limitOf, readLimits } from '../../lab/bench/limits.ts';
import { rawJob } from '../../lab/bench/raw-jobs.ts';
import { assumed } from '../../lab/bench/needs/assumed.ts';
import { costsOf, needsOf, overtaken, within } from '../../lab/bench/needs/needs.ts';
import { chartOf } from '../../lab/bench/render/chart.ts';
import { inWords } from '../../lab/bench/render/in-words.ts';
import { render } from '../../lab/bench/render/page.ts';
import { allMeasured, merged, type Performance, type Row } from '../../lab/bench/result.ts';
import { BENCHES } from '../../lab/bench/rows/index.ts';
import { partOf, processorClock } from '../../lab/bench/processor-time.ts';
import { hopsOfRequests } from '../../lab/bench/trace/request-hops.ts';
import { countRequests } from '../../lab/bench/worker-meters.ts';
import { Crowd } from '../../src/activities/crowd.ts';
import { FRESH_LOOKS, LOOKS } from '../../src/activities/long-wait.ts';
import { readConfig } from '../../src/config.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const read = (name: string): string | undefined =>
  existsSync(join(docs, name)) ? readFileSync(join(docs, name), 'utf8') : undefined;

const LIMIT: Limit = {
  key: 'start-p50',
  of: 'ratio',
  reach: 1.15,
  margin: 0.1,
  limit: 1.32,
  runs: [{ measuredAt: 'then', holdfast: 'abc', value: 1.2 }],
};

function rowOf(name: string, times: number): Row {
  const one = {
    key: 'start-p50',
    title: 'start',
    unit: 'ms',
    ours: exactly(1_000 * times),
    floor: exactly(1_000),
    smallest: exactly(1_100),
    smallestRatio: exactly(1.1),
  } as const;
  return {
    name,
    size: 1,
    sizeMeans: 'tasks',
    repeats: 3,
    measuredAt: '2026-01-02T03:04:05.000Z',
    setting: {
      nodes: 'real',
      versions: { kubernetes: 'v1', temporal: '1', node: 'v24', holdfast: 'abc' },
      cores: 2,
      load: 1,
    },
    measured: [{ ...one, ratio: exactly(times) }],
  };
}

describe('an estimate', () => {
  it('is a percentile of what was measured, between two others', () => {
    expect(estimate([5, 1, 4, 2, 3], 50).value).toBe(3);
    const { low, high } = estimate([5, 1, 4, 2, 3], 50);
    expect(low).toBeLessThanOrEqual(3);
    expect(high).toBeGreaterThanOrEqual(3);
  });

  it('does not mistake a slow machine for a slow side: a pair stays a pair', () => {
    const floor = [100, 1_000, 100, 1_000, 100, 1_000];
    const { low, high } = ratio({ ours: floor.map((each) => each * 1.1), floor }, 50);
    expect([low, high].map((each) => each.toFixed(2))).toEqual(['1.10', '1.10']);
  });
});

describe('the sides', () => {
  it('are each held against the floor', () => {
    const all = sides({ ours: [30, 30, 60], smallest: [15, 15, 30], floor: [10, 10, 20] }, 50);
    expect([all.ratio.value, all.smallestRatio.value]).toEqual([3, 1.5]);
  });

  it('are played in turn, the other way round every second time, and the first turn does not count', async () => {
    const played: string[] = [];
    const how = { size: 1, repeats: 2, tell: () => undefined };
    const play = (side: string) => async (turn: number) => {
      played.push(`${side}${turn}`);
      return turn;
    };
    const seen = await interleaved(how, { ours: play('ours'), smallest: play('smallest'), floor: play('floor') });
    expect(played.join(' ')).toBe('ours0 smallest0 floor0 floor1 smallest1 ours1 ours2 smallest2 floor2');
    expect(seen).toEqual({ ours: [1, 2], smallest: [1, 2], floor: [1, 2] });
  });

  it('have the same Pod, but for the anchor', () => {
    const job = rawJob('raw', { workload: 'command', image: 'a', command: ['true'], gracePeriod: '7s' });
    const pod = job.spec?.template.spec;
    expect(job.spec?.suspend).toBe(false);
    expect(pod).toMatchObject({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 7 });
    expect(JSON.stringify(pod)).not.toContain('anchor');
  });
});

describe('the limits', () => {
  it('are the worst of their runs with their margin, each of something that is measured once', () => {
    for (const { key, limit, margin, runs } of readLimits()) {
      expect([key, limit]).toEqual([key, runs.length === 0 ? undefined : limitOf(runs, margin)]);
    }
    const keys = readLimits().map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are told with what was measured and where they come from', () => {
    expect(exceeded([LIMIT], [rowOf('one', 1.3)])).toEqual([]);
    const [told] = exceeded([LIMIT], [rowOf('one', 1.4)]);
    expect(told).toBe(
      'start-p50: start is 1.4 times its floor; the limit is 1.32, the worst of 1 runs (1.2) and 10 %.',
    );
  });

  it('come from the newest runs, and from each run once', () => {
    const [once] = accepted([LIMIT], [rowOf('one', 1.4)]);
    expect(once).toMatchObject({ limit: 1.54, runs: [{ value: 1.2 }, { value: 1.4 }] });
    expect(accepted(once === undefined ? [] : [once], [rowOf('one', 1.4)])).toEqual([once]);
  });
});

describe('the results', () => {
  it('keep what was not measured this time, in the order of the table', () => {
    const before: Performance = { kind: 'performance', rows: [rowOf('b', 2)] };
    const now = merged(merged(before, rowOf('a', 1), ['a', 'b']), rowOf('b', 3), ['a', 'b']);
    expect(now.rows.map(({ name, measured }) => [name, measured[0]?.ratio?.value])).toEqual([
      ['a', 1],
      ['b', 3],
    ]);
  });

  it('are shown as a table and a chart, with what is wanted', () => {
    const performance: Performance = { kind: 'performance', rows: [rowOf('one', 1.3)] };
    expect(render(performance, [LIMIT])).toContain('| 1.30 × (1.30 to 1.30) | 1,100 ms, 1.10 × | 1.15 × ✗ | 1.32 ×');
    const chart = chartOf(allMeasured(performance), [LIMIT], 'dark') ?? '';
    expect(chart).toContain('1.30 ×');
    expect(chart.split('#f0883e')).toHaveLength(2);
    expect(inWords(performance.rows)).toContain('smallest workflow 1,100 ms, 1.10 ×');
    expect(chartOf([], [LIMIT], 'dark')).toBeUndefined();
  });

  it('in docs/performance.md are those of docs/performance.json', (context) => {
    const json = read('performance.json');
    if (json === undefined) return context.skip('docs/performance.json is not there yet');
    const performance = JSON.parse(json) as Performance;
    expect(read('performance.md')).toBe(render(performance, readLimits()));
    for (const theme of ['light', 'dark'] as const)
      expect(read(`performance-${theme}.svg`)).toBe(chartOf(allMeasured(performance), readLimits(), theme));
    for (const { name } of performance.rows) expect(BENCHES.map((bench) => bench.name)).toContain(name);
  });
});

describe('what is read of others', () => {
  it('is the time of a log line to the microsecond', () => {
    expect(momentOf('2026-01-02T03:04:05.123456789Z')).toBeCloseTo(Date.parse('2026-01-02T03:04:05.123Z') + 0.457, 3);
    expect(momentOf('2026-01-02T03:04:05Z')).toBe(Date.parse('2026-01-02T03:04:05Z'));
  });

  it('is every request of the SDK, polls too, and nothing else', () => {
    const page = [
      'temporal_request{namespace="default",operation="RespondActivityTaskCompleted",service_name="x"} 7',
      'temporal_long_request{operation="PollWorkflowTaskQueue"} 3',
      'temporal_request_failure{operation="PollWorkflowTaskQueue"} 5',
      'temporal_request_latency_count{operation="PollWorkflowTaskQueue"} 5',
    ];
    expect(countRequests(page.join('\n'))).toBe(10);
  });

  it('is the processor time that each took meanwhile, and the whole machine', () => {
    const clock = processorClock();
    const before = process.cpuUsage();
    while (process.cpuUsage(before).user < 150_000);
    // The kernel counts whole ticks.
    expect(clock()['the whole machine']).toBeGreaterThan(100);
    expect(['a\0kube-apiserver\0--x', 'temporal\0server\0start-dev\0', '', 'bash'].map(partOf)).toEqual([
      'the API server',
      'Temporal',
      undefined,
      undefined,
    ]);
    const workers = ['node\0/a/src/worker.ts\0', 'node\0/a/lab/bench/smallest/worker.ts\0{}'];
    expect(workers.map(partOf)).toEqual(['the workers', 'the workers']);
  });

  it('is what a worker asks of the API server for one task', () => {
    const asked = (method: string, path: string) =>
      hopsOfRequests([{ method, url: `/api/v1/namespaces/n/${path}`, at: 1, endedAt: 3 }]).map(({ what }) => what);
    expect(asked('POST', 'configmaps')).toEqual(['create anchor']);
    expect(asked('GET', 'pods?labelSelector=a')).toEqual(['list Pods']);
    expect(asked('GET', 'pods/p/log?follow=true')).toEqual(['read the log of the Pod']);
    expect(asked('GET', 'pods?watch=true')).toEqual([]);
  });
});

describe('what many tasks need', () => {
  const costs = { idleMemory: 200, memory: 0.2, watchedMemory: 0.05, kubernetes: 24, temporal: 40, events: 50 };

  it('grows with them, and is told only when all of it was measured', () => {
    const [few, many] = [needsOf(100_000, costs), needsOf(1_000_000, costs)];
    expect(few).toMatchObject({ workers: 50, namespaces: 5, clusters: 1 });
    expect(many).toMatchObject({ workers: 500, namespaces: 50, clusters: 7 });
    expect(few.heartbeats).toBeCloseTo(2_083.3, 1);
    expect(many.heartbeats).toBeCloseTo(20_833.3, 1);
    expect(many.workerMemory).toBe(few.workerMemory);
    expect(costsOf([])).toBeUndefined();
  });

  it('names first what is furthest beyond what it can take', () => {
    const { strains } = needsOf(1_000_000, costs);
    expect(strains.map(({ share }) => share)).toEqual(strains.map(({ share }) => share).toSorted((a, b) => b - a));
    expect(strains[0]?.part).toContain('actions');
  });

  it('counts what the sweepers ask: a list of their queue’s tasks each, a few about whom it tells, and those that are new', () => {
    const { lists, sweeping, temporal, heartbeats, turnover } = needsOf(100_000, costs);
    expect(lists).toBeCloseTo((55 * 20) / 60);
    expect(sweeping).toBeCloseTo(lists + (55 * 300) / 60 + turnover * 10);
    expect(temporal).toBeCloseTo(heartbeats + sweeping + turnover * costs.temporal);
  });

  it('tells from which life on heartbeats are most, and how many tasks fit with them and without', () => {
    const measured = { ...costs, temporal: 25.7, events: 31 };
    const { actions, requests, writes } = overtaken(measured);
    expect([actions / 60, requests / 60, writes / 60].map(Math.round)).toEqual([4, 21, 25]);
    expect(within()).toEqual({ followed: 22_500, signalled: 200_000 });
    const { heartbeats, actions: all } = needsOf(100_000, measured);
    expect(heartbeats / (all - heartbeats)).toBeCloseTo(assumed('life') / actions);
  });

  it('assumes of a worker what its code says', () => {
    const { maxTasks, sweepSeconds } = readConfig({ XDG_STATE_HOME: '/nowhere' });
    expect([assumed('tasksPerWorker'), assumed('sweep')]).toEqual([maxTasks, sweepSeconds]);
    const crowd = new Crowd();
    for (let each = 0; each < maxTasks; each += 1) crowd.enter();
    expect([assumed('heartbeat'), assumed('freshLook')]).toEqual(
      [LOOKS, FRESH_LOOKS].map((pace) => crowd.every(pace) / 1_000),
    );
  });
});

/** The soak: what is sent and hit when, how tasks are judged, and what is said of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../lab/report/result.ts';
import { soakPicture } from '../../lab/report/soak-picture.ts';
import { soakSection } from '../../lab/report/soak-section.ts';
import { Flow } from '../../lab/soak/flow.ts';
import { hitsOf } from '../../lab/soak/hits.ts';
import { latePods, type Offence, offences, type Seen, straggled } from '../../lab/soak/judge.ts';
import { growthOf, Meter, type Sample, slope } from '../../lab/soak/meter.ts';
import { partOf, SIGHTS } from '../../lab/soak/parts.ts';
import { type Entry, type Soaked, summarise } from '../../lab/soak/results.ts';
import type { Glimpse } from '../../lab/sweep/eyes.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');

const ANCHOR: Glimpse = { kind: 'ConfigMap', type: 'ADDED', revision: 1, name: 'anchor', uid: 'a', live: false };
const JOB: Glimpse = { kind: 'Job', type: 'MODIFIED', revision: 3, name: 'job', uid: 'j', live: true };
const POD: Glimpse = { kind: 'Pod', type: 'MODIFIED', revision: 5, name: 'pod', uid: 'p', live: true };
const gone = (glimpse: Glimpse, revision: number): Glimpse => ({ ...glimpse, type: 'DELETED', live: false, revision });
const LIFE = [ANCHOR, JOB, POD, gone(POD, 7), gone(JOB, 8), gone(ANCHOR, 9)];

const ALONE: Seen = {
  part: { number: 0, seconds: 1, act: 'none', sight: 'sent', delayMs: 0 },
  answer: undefined,
  outcome: 'succeeded',
  told: { revision: 10, livePods: [] },
  glimpses: LIFE,
  leftAfterQuiet: [],
};
const CANCELLED: Seen = { ...ALONE, answer: 'cancelled_running', outcome: 'cancelled' };

describe('the judge of a soak', () => {
  it('finds nothing in a task that ended as it was told, and left nothing', () => {
    const terminated: Seen = { ...ALONE, answer: 'terminated', outcome: 'terminated' };
    const early: Seen = { ...CANCELLED, answer: 'cancelled_before_start', glimpses: [ANCHOR, gone(ANCHOR, 2)] };
    for (const seen of [ALONE, CANCELLED, terminated, early]) expect(offences(seen)).toEqual([]);
  });

  it.each([
    ['a task without an outcome', 'lost', { ...ALONE, outcome: undefined }],
    ['a task left alone that did not succeed', 'untrue', { ...ALONE, outcome: 'failed' }],
    ['"cancelled" of a task that succeeded', 'untrue', { ...CANCELLED, outcome: 'succeeded' }],
    ['"not yet" as the last word', 'untrue', { ...CANCELLED, answer: 'cancelling' }],
    ['"before its start" of a task with a Pod', 'untrue', { ...CANCELLED, answer: 'cancelled_before_start' }],
    ['a Pod not ended when it was told', 'ran on', { ...CANCELLED, told: { revision: 10, livePods: ['pod'] } }],
    ['a container seen after it was told', 'ran on', { ...CANCELLED, glimpses: [ANCHOR, { ...POD, revision: 11 }] }],
    ['two Jobs at the same time', 'doubled', { ...ALONE, glimpses: [JOB, { ...JOB, uid: 'k', revision: 4 }] }],
    ['what is there after quiet', 'left', { ...ALONE, leftAfterQuiet: ['job'] }],
  ] satisfies readonly (readonly [string, Offence['is'], Seen])[])('calls %s by its name: %s', (_, is, seen) => {
    expect(offences(seen).map((offence) => offence.is)).toEqual([is]);
  });

  it('lets a task fail of whose Job Kubernetes made two Pods', () => {
    const twice: Seen = {
      ...ALONE,
      outcome: 'failed',
      glimpses: [...LIFE, { ...POD, uid: 'q' }, gone({ ...POD, uid: 'q' }, 7)],
    };
    for (const seen of [twice, { ...twice, answer: 'already_failed' } satisfies Seen])
      expect(offences(seen)).toEqual([]);
    const ofAnother: Seen = { ...twice, glimpses: [...LIFE, gone({ ...POD, name: 'other-x', uid: 'q' }, 7)] };
    expect(offences(ofAnother)).toMatchObject([{ is: 'untrue' }]);
  });

  it('lets a late request leave what runs nothing, and nothing else', () => {
    const born: Glimpse = { ...JOB, type: 'ADDED', live: false };
    for (const late of [ANCHOR, born]) expect(straggled(late)).toEqual([]);
    for (const late of [JOB, POD, { ...POD, live: false }]) expect(straggled(late)).toMatchObject([{ is: 'ran on' }]);
  });

  it('asks nothing of the moment in which Terminate or a kill without proof answers', () => {
    const told = { revision: 4, livePods: ['pod'] };
    for (const answer of ['terminated', 'killed_unproved'] as const)
      expect(offences({ ...ALONE, answer, outcome: 'terminated', told })).toEqual([]);
    expect(offences({ ...ALONE, answer: 'killed', outcome: 'terminated', told })).toHaveLength(2);
  });

  it('counts a Pod made after its anchor had gone, and does not blame it: no node starts it', () => {
    const late = { ...POD, uid: 'late', type: 'ADDED', revision: 12 };
    const seen = { ...CANCELLED, glimpses: [...LIFE, late] };
    expect(latePods(seen)).toEqual(['late']);
    expect(offences(seen)).toEqual([]);
  });
});

describe('the flow', () => {
  const idle = { seconds: 0, sent: 0, open: 0 };
  const taught = (flow: Flow, wait: number) => {
    for (let task = 0; task < 5; task += 1) flow.learn(wait);
    flow.turn();
    return flow.due(idle);
  };

  it('has more open while containers start soon, fewer when they wait, and some in any case', () => {
    const flow = new Flow();
    const first = flow.due(idle);
    expect(flow.due({ ...idle, open: first + 5 })).toBe(0);
    const more = taught(flow, 0.5);
    expect(more).toBeGreaterThan(first);
    expect(taught(flow, 60)).toBeLessThan(more);
    for (let turn = 0; turn < 20; turn += 1) taught(flow, 60);
    expect(flow.due(idle)).toBe(first);
  });

  it('is not moved by a few', () => {
    const flow = new Flow();
    const first = flow.due(idle);
    flow.learn(0.1);
    flow.turn();
    expect(flow.due(idle)).toBe(first);
  });

  it('sends what a rate asks for, whatever waits', () => {
    const flow = new Flow(2);
    expect(flow.due({ seconds: 10, sent: 15, open: 15 })).toBe(5);
    expect(flow.due({ seconds: 10, sent: 20, open: 0 })).toBe(0);
  });
});

describe('what is done when', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(partOf(1, 7)).toEqual(partOf(1, 7));
    expect(hitsOf(1, 3_600)).toEqual(hitsOf(1, 3_600));
    expect(hitsOf(2, 3_600)).not.toEqual(hitsOf(1, 3_600));
  });

  it('is every act at every sight', () => {
    const parts = Array.from({ length: 2_000 }, (_, number) => partOf(1, number));
    const acts = new Set(parts.filter(({ act }) => act !== 'none').map(({ act, sight }) => `${act} ${sight}`));
    expect(acts.size).toBe(3 * SIGHTS.length);
    expect(Math.min(...parts.map(({ delayMs }) => delayMs))).toBeGreaterThanOrEqual(0);
  });

  it('hits both within two minutes, and within an hour each as often as it should', () => {
    const hits = (seconds: number, target: string) => hitsOf(1, seconds).filter((hit) => hit.target === target).length;
    for (const target of ['worker', 'API server']) expect(hits(120, target)).toBeGreaterThan(0);
    for (const [target, fewest, most] of [
      ['worker', 30, 60],
      ['API server', 12, 20],
    ] as const) {
      expect(hits(3_600, target)).toBeGreaterThanOrEqual(fewest);
      expect(hits(3_600, target)).toBeLessThanOrEqual(most);
    }
  });
});

describe('the meter', () => {
  const count = () => ({ seconds: 0, open: 0, ended: 0 });

  it('tells once, and at once, of a process that has more than its limit', () => {
    const told: number[] = [];
    const meter = new Meter(process.pid, { count, limit: 1, onTooMuch: (megabytes) => told.push(megabytes) });
    expect(told).toHaveLength(1);
    expect(meter.samples.at(-1)?.megabytes).toBe(told[0]);
  });

  it('says nothing of one that has less, nor of one that is gone', () => {
    const tooMuch = () => expect.unreachable();
    const meter = new Meter(process.pid, { count, limit: Infinity, onTooMuch: tooMuch });
    meter.stop();
    expect(meter.samples).toHaveLength(1);
    expect(new Meter(2 ** 31, { count, limit: 1, onTooMuch: tooMuch }).samples).toEqual([]);
  });
});

describe('the growth of memory', () => {
  it('is the slope of the nearest line', () => {
    const at = (...heights: readonly number[]) => heights.map((y, x) => [x, y] as const);
    expect(slope(at(1, 3, 5))).toBeCloseTo(2);
    expect(slope(at(1, 0, 1))).toBeCloseTo(0);
    expect([slope([]), slope([[1, 1]])]).toEqual([0, 0]);
  });

  it('does not count the first half, in which a heap grows to what it needs', () => {
    const samples = Array.from({ length: 8 }, (_, n) => sampleOf(n, n < 4 ? n * 100 : 400 + n));
    expect(growthOf(samples).anHour).toBeCloseTo(60);
    expect(growthOf(samples).aThousandTasks).toBeCloseTo(10);
  });
});

/** One a minute. */
function sampleOf(number: number, megabytes: number): Sample {
  return { seconds: number * 60, megabytes, open: 20, ended: number * 100 };
}

const ENTRY: Entry = {
  taskId: 'soak-0',
  act: 'none',
  answer: undefined,
  outcome: 'succeeded',
  waited: 2.04,
  answeredIn: undefined,
  goneIn: 0.5,
  latePods: 0,
};
const SOAKED: Soaked = {
  entries: [
    ENTRY,
    { ...ENTRY, act: 'cancel', answer: 'cancelled_running', outcome: 'cancelled', waited: undefined, answeredIn: 1.2 },
  ],
  failures: [{ id: 'soak-7', is: 'doubled', what: '2 Jobs of it were started at the same time' }],
  hits: [
    { target: 'API server', at: 120, seconds: 7.26 },
    { target: 'worker', at: 60, seconds: 3 },
  ],
  gaps: [{ kind: 'Pod', ms: 40 }],
  samples: Array.from({ length: 8 }, (_, number) => sampleOf(number, 400)),
};
const RESULT = summarise(SOAKED, {
  measuredAt: '2026-01-02T03:04:05.000Z',
  setting: {
    nodes: 'simulated',
    versions: { kubernetes: 'v1', temporal: '1', node: 'v24', holdfast: 'abc' },
    cores: 2,
    load: 1,
  },
  seed: 1,
  minutes: 7,
  wanted: undefined,
});

describe('what is said of a soak', () => {
  it('counts what there was, and what was sustained in the second half', () => {
    expect(RESULT).toMatchObject({
      tasks: 2,
      outcomes: { succeeded: 1, cancelled: 1 },
      answers: { 'cancel: cancelled_running': 1 },
      rate: { sustained: 1.7 },
      open: { p50: 20 },
      gaps: { number: 1, longestMs: 40 },
      waited: { p50: 2 },
      cancelledIn: { p50: 1.2 },
      failed: { doubled: 1, lost: 0 },
      growth: { anHour: 0, aThousandTasks: 0 },
    });
    expect(RESULT.hits.map(({ target }) => target)).toEqual(['worker', 'API server']);
  });

  it('is in the report with what did not hold', () => {
    const page = soakSection(RESULT).join('\n');
    expect(page).toMatch(/^\| \*\*tasks lost.* \*\*0\*\* \|$/m);
    expect(page).toContain('| **tasks with two started Jobs at the same time** | **1** |');
    expect(page).toContain('- soak-7: started twice at the same time: 2 Jobs of it');
    expect(page).toContain('| … the longest until it answered again | 7.3 s |');
  });

  it('is drawn over time, with what was killed when and the slope', () => {
    const picture = soakPicture(RESULT, 'dark');
    expect(picture).toContain('0 MB an hour');
    expect(picture.match(/stroke-opacity/g)).toHaveLength(2 * SOAKED.hits.length);
    expect(picture).not.toContain('NaN');
  });

  it('in the documents is that of docs/evidence/soak.json', (context) => {
    const json = read('evidence/soak.json');
    if (json === undefined) return context.skip('docs/evidence/soak.json is not there yet');
    const { soak } = JSON.parse(read('evidence.json') ?? '{}') as Evidence;
    expect(soak, 'node lab/main.ts report --render takes it in').toEqual(JSON.parse(json));
    if (soak === undefined) return;
    expect(read('evidence.md')).toContain(soakSection(soak).join('\n'));
    for (const theme of ['light', 'dark'] as const) expect(read(`soak-${theme}.svg`)).toBe(soakPicture(soak, theme));
  });
});

function read(name: string): string | undefined {
  const path = join(docs, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

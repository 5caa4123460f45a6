import { readFileSync } from 'node:fs';
import { loadYaml } from '@kubernetes/client-node';
import type { MetricMeter, MetricTags } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { GATEWAY_METRICS } from '../../src/gateway/metrics.ts';
import { BUCKETS, type MetricEntry, METRICS, Metrics } from '../../src/metrics.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const entries: readonly MetricEntry[] = Object.values(METRICS);

interface Recorded {
  readonly name: string;
  readonly value: number;
  readonly labels: MetricTags;
}

/** A meter that keeps what it is told, or fails at everything after `breaks` was called. */
function recordingMeter() {
  const recorded: Recorded[] = [];
  let broken = false;
  const keep =
    (name: string) =>
    (value: number, labels: MetricTags = {}) => {
      if (broken) throw new Error('the runtime is gone');
      recorded.push({ name, value, labels });
    };
  const meter = {
    createCounter: (name: string) => ({ add: keep(name) }),
    createGauge: (name: string) => ({ set: keep(name) }),
    createHistogram: (name: string) => ({ record: keep(name) }),
  } as unknown as MetricMeter;
  return { meter, recorded, breaks: () => (broken = true) };
}

const failing = (error: unknown): never => {
  throw error;
};

function told(tell: (metrics: Metrics) => void): readonly Recorded[] {
  const { meter, recorded } = recordingMeter();
  const metrics = new Metrics(meter, failing);
  recorded.length = 0;
  tell(metrics);
  return recorded;
}

describe('every metric', () => {
  it.each(entries)("$name is named as Prometheus' convention has it", ({ name, type, help }) => {
    expect(name).toMatch(/^holdfast_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    if (type !== 'counter') expect(name).toMatch(/_(seconds|slots_free)$/);
    expect(Object.keys(BUCKETS).includes(name)).toBe(type === 'histogram');
    expect(help).toMatch(/^[A-Z].*\.$/);
  });

  it('stands in docs/runbook.md with its type and labels, and no other does', () => {
    const section = read('docs/runbook.md').split('\n## Metrics')[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| `(holdfast_\w+)` +\| (\w+) +\| (.*?) +\|/gm)];
    const inDocs = rows.map(([, name, type, labels]) => `${name} ${type} ${labels}`);
    const labelsOf = ({ labels }: MetricEntry) =>
      Object.entries(labels).map(
        ([label, values]) => `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
      );
    expect(inDocs).toEqual(
      entries.map((entry) => `${entry.name} ${entry.type} ${labelsOf(entry).join('; ') || 'none'}`),
    );
  });

  it('that counts begins at 0 with every label, so that the first of its kind is seen to rise', () => {
    const { meter, recorded } = recordingMeter();
    const metrics = new Metrics(meter, failing);
    expect(recorded.every(({ value }) => value === 0)).toBe(true);
    const series = ({ name, labels }: Recorded) => JSON.stringify([name, labels]);
    const born = new Set(recorded.map(series));
    recorded.length = 0;
    metrics.swept({
      at: 1,
      orphans: [{ reason: 'absent', removed: true }],
      refused: { because: 'TEMPORAL_UNREACHABLE' },
    });
    metrics.cancelProved({ phase: 'nothing', seconds: 1, wastedContainerSeconds: 0 });
    metrics.cancelOutrun('failed');
    metrics.releaseRetried();
    const counters = recorded.filter(({ name }) => name.endsWith('_total')).map(series);
    expect(counters).toHaveLength(6);
    expect(counters.filter((counted) => !born.has(counted))).toEqual([]);
  });
});

describe('the metrics', () => {
  it('tell of a sweep: each orphan by its reason, what was removed of them, and when it was', () => {
    const orphans = [
      { reason: 'closed', removed: true },
      { reason: 'absent', removed: false },
    ];
    expect(told((metrics) => metrics.swept({ at: 7_500, orphans }))).toEqual([
      { name: METRICS.orphansFound.name, value: 1, labels: { reason: 'closed' } },
      { name: METRICS.orphansRemoved.name, value: 1, labels: { reason: 'closed' } },
      { name: METRICS.orphansFound.name, value: 1, labels: { reason: 'absent' } },
      { name: METRICS.lastSweep.name, value: 7.5, labels: {} },
    ]);
  });

  it('do not take a refused sweep for one', () => {
    expect(
      told((metrics) => metrics.swept({ at: 7_500, orphans: [], refused: { because: 'TEMPORAL_UNREACHABLE' } })),
    ).toEqual([{ name: METRICS.sweepsRefused.name, value: 1, labels: { because: 'TEMPORAL_UNREACHABLE' } }]);
  });

  it('tell of a proved cancel how long it took and what it cost', () => {
    const cancel = { phase: 'started', seconds: 2.5, wastedContainerSeconds: 1.25 } as const;
    expect(told((metrics) => metrics.cancelProved(cancel))).toEqual([
      { name: METRICS.cancels.name, value: 1, labels: { outcome: 'cancelled', phase: 'started' } },
      { name: METRICS.cancelProof.name, value: 2.5, labels: { phase: 'started' } },
      { name: METRICS.cancelWaste.name, value: 1.25, labels: { phase: 'started' } },
    ]);
  });

  it('never fail whoever counts, and tell why they did not', () => {
    const { meter, breaks } = recordingMeter();
    const errors: unknown[] = [];
    const metrics = new Metrics(meter, (error) => errors.push(error));
    breaks();
    metrics.swept({ at: 1, orphans: [] });
    metrics.oldestUnreleased(1);
    metrics.followSlotsFree(1);
    metrics.cancelProved({ phase: 'nothing', seconds: 1, wastedContainerSeconds: 0 });
    metrics.cancelOutrun('succeeded');
    metrics.releaseRetried();
    expect(errors).toHaveLength(6);
  });
});

describe('deploy/alerts.yaml', () => {
  interface Rules {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly alert: string;
        readonly expr: string;
        readonly annotations: { readonly runbook: string };
      }[];
    }[];
  }
  const rules = loadYaml<Rules>(read('deploy/alerts.yaml')).groups.flatMap((group) => group.rules);

  it.each(rules)('$alert asks for metrics that there are, and the runbook knows it', ({ alert, expr, annotations }) => {
    const asked = [...expr.matchAll(/\bholdfast_\w+/g)].map(([name]) => name);
    const names = [...entries, ...Object.values(GATEWAY_METRICS)].map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(asked));
    const runbook = read('docs/runbook.md');
    expect(runbook.includes(`| \`${alert}\``)).toBe(true);
    const [path, heading = ''] = annotations.runbook.split('#');
    expect(path).toBe('docs/runbook.md');
    const headings = [...runbook.matchAll(/^#+ +(.+)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(' ', '-'),
    );
    expect(headings).toContain(heading);
  });
});

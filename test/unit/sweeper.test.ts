/** The sweeper's looks, against a cluster and a Temporal that say what they are told. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { isNews, showReport } from '../../src/cli/show/sweep.ts';
import type { RemoveOptions } from '../../src/activities/remove-run.ts';
import type { NamedRun } from '../../src/activities/world.ts';
import { fencedMetadata } from '../../src/fence.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { keepSweeping, sweepTwice } from '../../src/sweeper/keep-sweeping.ts';
import type { SweepReport } from '../../src/sweeper/report.ts';
import { Sweeper, type SweeperDeps } from '../../src/sweeper/sweeper.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const OURS = 'ours';
const never = new AbortController().signal;

function anchorOf(taskId: string, ageSeconds = 60, temporal = OURS): V1ObjectMeta {
  const metadata = fencedMetadata(temporal, { taskId, runId: 'r', attempt: 1 }, 'command', 'hash');
  const creationTimestamp = new Date(NOW.getTime() - ageSeconds * 1_000);
  return { ...metadata, uid: `uid of ${taskId}`, creationTimestamp };
}

/** A Temporal in which tasks named `open…` are open, `gone…` unknown, and all others closed. */
class Theatre {
  anchors: V1ObjectMeta[] = [];
  namespaceId: () => string = () => OURS;
  describe: (taskId: string) => string = (taskId) => {
    if (taskId.startsWith('gone')) throw new WorkflowNotFoundError('no such', taskId, undefined);
    return taskId.startsWith('open') ? 'RUNNING' : 'TERMINATED';
  };
  readonly asked: string[] = [];
  readonly removed: string[] = [];
  remove: (run: NamedRun, options: RemoveOptions) => Promise<void> = async ({ name, taskId }, { before }) => {
    await before?.({ do: 'delete anchor', uid: 'u' }, { anchor: undefined, job: undefined, pods: [] });
    this.removed.push(taskId);
    this.anchors = this.anchors.filter((anchor) => anchor.name !== name);
  };

  sweeper(more: Partial<SweeperDeps> = {}): Sweeper {
    return new Sweeper({
      api: { listMarks: async () => ({ anchors: this.anchors, jobs: [], at: NOW }) },
      client: this.#client(),
      remove: (run, _, __, options) => this.remove(run, options),
      rules: { minAgeSeconds: 30, maxPercent: 50 },
      ...more,
    });
  }

  #client(): Client {
    const describe = async (taskId: string) => {
      this.asked.push(taskId);
      return { status: { name: this.describe(taskId) } };
    };
    return {
      options: { namespace: 'default' },
      withDeadline: (_: number, ask: () => Promise<unknown>) => ask(),
      workflowService: { describeNamespace: async () => ({ namespaceInfo: { id: this.namespaceId() } }) },
      workflow: { getHandle: (taskId: string) => ({ describe: () => describe(taskId) }) },
    } as unknown as Client;
  }
}

const away = (): never => {
  throw Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'nobody listens' });
};

async function twice(theatre: Theatre, more: Partial<SweeperDeps> = {}) {
  const sweeper = theatre.sweeper(more);
  return [await sweeper.look('all', never), await sweeper.look('all', never)] as const;
}

describe('two looks', () => {
  it('remove what no open task owns, by the uids that were judged, and say so', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('open'), anchorOf('closed'), anchorOf('gone'), anchorOf('elsewhere', 60, 'theirs')];
    const only: unknown[] = [];
    const { remove } = theatre;
    theatre.remove = (run, options) => {
      only.push(options.only);
      return remove(run, options);
    };
    const [first, second] = await twice(theatre);
    expect(first).toMatchObject({ runs: 4, removed: [], kept: { 'task is open': 1, 'of another Temporal': 1 } });
    expect(first.suspects.map(({ taskId, reason, looks }) => [taskId, reason, looks])).toEqual([
      ['closed', 'task closed', 1],
      ['gone', 'task absent', 1],
    ]);
    expect(second.removed.map(({ taskId, reason, kinds }) => [taskId, reason, kinds])).toEqual([
      ['closed', 'task closed', ['anchor']],
      ['gone', 'task absent', ['anchor']],
    ]);
    expect(only).toEqual([new Set(['uid of closed']), new Set(['uid of gone'])]);
    expect(second.suspects).toEqual([]);
  });

  it('ask nothing about young runs nor those of another Temporal, and look soon again at the young', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('young', 29), anchorOf('elsewhere', 60, 'theirs')];
    const sweeper = theatre.sweeper();
    expect((await sweeper.look('all', never)).kept).toMatchObject({ 'too young': 1, 'of another Temporal': 1 });
    expect(theatre.asked).toEqual([]);
    expect([...sweeper.soon]).toEqual([anchorOf('young').name]);
  });

  it('ask about a run that this process follows only at every tenth look, and then believe what they hear', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('open')];
    const sweeper = theatre.sweeper({ isFollowed: () => true });
    for (let look = 1; look <= 10; look += 1) await sweeper.look('all', never);
    expect(theatre.asked).toEqual(['open']);
    theatre.describe = () => 'TERMINATED';
    await sweeper.look('all', never);
    expect(theatre.removed).toEqual([]);
    await sweeper.look('all', never);
    expect(theatre.removed).toEqual(['open']);
  });

  it('remove nothing in a dry run, and say what they would', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('closed')];
    const [, second] = await twice(theatre, { dryRun: true });
    expect(second).toMatchObject({ dryRun: true, removed: [], suspects: [{ taskId: 'closed', looks: 2 }] });
    expect(theatre.removed).toEqual([]);
  });

  it('leave what was opened again by a Reset in between, at the last moment', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('closed')];
    let answers = 0;
    theatre.describe = () => ((answers += 1) > 2 ? 'RUNNING' : 'TERMINATED');
    const [, second] = await twice(theatre);
    expect(answers).toBe(3);
    expect(second).toMatchObject({ removed: [], unfinished: [] });
    expect(theatre.removed).toEqual([]);
  });

  it('go on past a removal that fails, and tell it', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('stuck'), anchorOf('closed')];
    const { remove } = theatre;
    theatre.remove = (run, options) =>
      run.taskId === 'stuck' ? Promise.reject(new Error('a finalizer')) : remove(run, options);
    const [, second] = await twice(theatre);
    expect(second.unfinished).toMatchObject([{ taskId: 'stuck', because: 'a finalizer' }]);
    expect(second.removed).toMatchObject([{ taskId: 'closed' }]);
  });

  it('need not be two when the first finds nothing', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('open')];
    expect(await sweepTwice(theatre.sweeper(), 60, never)).toMatchObject({ runs: 1, suspects: [] });
    expect(theatre.asked).toEqual(['open']);
  });
});

describe('a sweep is refused, and nothing is removed', () => {
  async function refused(theatre: Theatre, before: (theatre: Theatre) => void, more: Partial<SweeperDeps> = {}) {
    if (theatre.anchors.length === 0) theatre.anchors = [anchorOf('closed'), anchorOf('gone')];
    const sweeper = theatre.sweeper(more);
    await sweeper.look('all', never);
    before(theatre);
    const report = await sweeper.look('all', never);
    expect(theatre.removed).toEqual([]);
    expect(report.removed).toEqual([]);
    expect(report.refused?.next).toMatch(/^[A-Z].*\.$/);
    expect([...sweeper.soon]).toEqual([]);
    return report.refused;
  }

  it('when Temporal does not answer', async () => {
    const refusal = await refused(new Theatre(), (theatre) => (theatre.namespaceId = away));
    expect(refusal).toMatchObject({
      because: 'TEMPORAL_UNREACHABLE',
      message: expect.stringContaining('Nobody listens'),
    });
  });

  it('when Temporal goes away while it is asked', async () => {
    expect(await refused(new Theatre(), (theatre) => (theatre.describe = away))).toMatchObject({
      because: 'TEMPORAL_UNREACHABLE',
    });
  });

  it('when Temporal does not know the namespace any more', async () => {
    const refusal = await refused(new Theatre(), (theatre) => {
      theatre.describe = () => {
        throw new NamespaceNotFoundError('default');
      };
    });
    expect(refusal).toMatchObject({ because: 'CONFIG_INVALID', message: 'Temporal has no namespace "default".' });
  });

  it('when another Temporal answers than before, also between asking and removing', async () => {
    expect(await refused(new Theatre(), (theatre) => (theatre.namespaceId = () => 'another'))).toMatchObject({
      because: 'CONFIG_INVALID',
      message: expect.stringContaining('Another Temporal'),
    });
    const late = await refused(new Theatre(), (theatre) => {
      let asked = 0;
      theatre.namespaceId = () => ((asked += 1) > 1 ? 'another' : OURS);
    });
    expect(late?.message).toContain('Another Temporal');
  });

  it('when more than the stated share would go, and the suspects are told', async () => {
    const theatre = new Theatre();
    theatre.anchors = Array.from({ length: 19 }, (_, i) => anchorOf(i < 10 ? `closed ${i}` : `open ${i}`));
    const sweeper = theatre.sweeper();
    const report = await sweeper.look('all', never);
    expect(report.refused).toMatchObject({
      because: 'SWEEP_REFUSED',
      message: expect.stringContaining('10 of 19 runs'),
    });
    expect(report.suspects).toHaveLength(10);
    expect((await twice(theatre, { rules: { minAgeSeconds: 30, maxPercent: 60 } }))[1].removed).toHaveLength(10);
  });

  it('when Kubernetes does not list', async () => {
    const api = { listMarks: () => Promise.reject(new ApiError('unclear', 'list ConfigMaps: no answer')) };
    const { refused } = await new Theatre().sweeper({ api }).look('all', never);
    expect(refused).toMatchObject({ because: 'KUBERNETES_UNREACHABLE', message: expect.stringContaining('no answer') });
  });

  it('and nothing goes piece by piece: what it suspected before is forgotten', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('closed')];
    const sweeper = theatre.sweeper();
    await sweeper.look('all', never);
    theatre.namespaceId = away;
    await sweeper.look('all', never);
    theatre.namespaceId = () => OURS;
    expect(await sweeper.look('all', never)).toMatchObject({ removed: [], suspects: [{ looks: 1 }] });
  });
});

it('one doubtful answer keeps that run only', async () => {
  const theatre = new Theatre();
  theatre.anchors = [anchorOf('odd'), anchorOf('closed')];
  const { describe } = theatre;
  theatre.describe = (taskId) => {
    if (taskId === 'odd') throw Object.assign(new Error('13 INTERNAL'), { code: 13, details: 'shard' });
    return describe(taskId);
  };
  const [, second] = await twice(theatre);
  expect(second).toMatchObject({ kept: { 'Temporal is not sure': 1 }, removed: [{ taskId: 'closed' }] });
});

describe('sweeping on and on', () => {
  it('looks soon at a Job that changed and at no others, and after a refusal at all or at none', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('open 1'), anchorOf('open 2')];
    const [changed] = theatre.anchors.map(({ name }) => name ?? '');
    const stop = new AbortController();
    let wake: (run: string) => void = () => undefined;
    const watch = {
      onJob: (seen: (run: string) => void) => {
        wake = seen;
        return () => undefined;
      },
    };
    const reports: SweepReport[] = [];
    const plot = [
      () => wake(changed ?? ''),
      () => {
        theatre.namespaceId = away;
        wake(changed ?? '');
      },
      () => {
        wake(changed ?? '');
        // A look that must not come would come 5 ms after the call.
        setTimeout(() => stop.abort(), 200);
      },
    ];
    const onReport = (report: SweepReport) => {
      reports.push(report);
      plot.shift()?.();
    };
    await keepSweeping({ sweeper: theatre.sweeper(), watch, everySeconds: 60, soonMs: 5, onReport }, stop.signal);
    expect(reports.map(({ looked, runs, refused }) => [looked, runs, refused?.because])).toEqual([
      ['at all', 2, undefined],
      ['soon', 1, undefined],
      ['soon', 0, 'TEMPORAL_UNREACHABLE'],
    ]);
  });
});

describe('what people read', () => {
  const reported = async (more: Partial<SweepReport> = {}): Promise<SweepReport> => ({
    ...(await new Theatre().sweeper().look('all', never)),
    ...more,
  });
  const orphan = { run: 'hf-a', taskId: 'a', reason: 'task closed', kinds: ['anchor', 'job'] } as const;

  it('names what was removed, what only would be, and what is merely suspected', async () => {
    expect(showReport(await reported({ removed: [orphan] }))).toContain('removed hf-a (anchor, job) of a: task closed');
    const seen = (looks: 1 | 2) => ({ dryRun: true, suspects: [{ ...orphan, looks }] });
    expect(showReport(await reported(seen(2)))).toContain('would remove hf-a');
    expect(showReport(await reported(seen(1)))).toContain('suspected hf-a');
  });

  it('says of a refusal what, why, and what to do', async () => {
    const refused = { because: 'SWEEP_REFUSED', message: 'Too many.', next: 'Look.' } as const;
    const report = await reported({ refused, looked: 'soon' });
    expect(showReport(report)).toMatch(/Nothing was removed: Too many\. \(SWEEP_REFUSED\)\nnext: Look\.$/);
    expect([isNews(report), isNews(await reported({ looked: 'soon' }))]).toEqual([true, false]);
  });
});

/** The sweeper's looks, against a cluster and a Temporal that say what they are told. */
import { NamespaceNotFoundError } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { sweepTwice } from '../../src/sweeper/keep-sweeping.ts';
import type { SweeperDeps } from '../../src/sweeper/sweeper.ts';
import { anchorOf, away, never, OURS, Theatre } from './sweep-theatre.ts';

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
    const sweeper = theatre.sweeper({ isTended: () => true });
    for (let look = 1; look <= 10; look += 1) await sweeper.look('all', never);
    expect(theatre.asked).toEqual(['open']);
    theatre.describe = () => 'TERMINATED';
    await sweeper.look('all', never);
    expect(theatre.removed).toEqual([]);
    await sweeper.look('all', never);
    expect(theatre.removed).toEqual(['open']);
  });

  it('ask, of many, only about those that Temporal does not list as open, and in turn about all others', async () => {
    const theatre = new Theatre();
    const open = Array.from({ length: 250 }, (_, index) => `open ${index}`);
    theatre.anchors = [...open, 'closed', 'closed, but listed'].map((taskId) => anchorOf(taskId));
    theatre.listed = () => [open.slice(0, 100), [...open.slice(100), 'closed, but listed']];
    const sweeper = theatre.sweeper();
    await sweeper.look('all', never);
    expect(theatre.asked).toContain('closed');
    expect(theatre.asked.length).toBeLessThan(30);
    for (let look = 2; look <= 10; look += 1) await sweeper.look('all', never);
    expect(new Set(theatre.asked).size).toBe(252);
    await sweeper.look('all', never);
    expect(theatre.removed.toSorted()).toEqual(['closed', 'closed, but listed']);
  }, 30_000);

  it('ask about everybody where that is wanted, whatever Temporal lists', async () => {
    const theatre = new Theatre();
    theatre.anchors = ['open', 'closed'].map((taskId) => anchorOf(taskId));
    const sweeper = theatre.sweeper({ isThorough: true, isTended: () => true });
    for (let look = 1; look <= 2; look += 1) await sweeper.look('all', never);
    expect([theatre.asked.length, theatre.removed]).toEqual([5, ['closed']]);
  });

  it('ask about everybody where Temporal gives no list', async () => {
    const theatre = new Theatre();
    theatre.anchors = Array.from({ length: 200 }, (_, index) => anchorOf(`open ${index}`));
    theatre.listed = () => {
      throw new Error('there is no visibility store');
    };
    expect((await theatre.sweeper().look('all', never)).kept['task is open']).toBe(200);
    expect(theatre.asked).toHaveLength(200);
  }, 30_000);

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

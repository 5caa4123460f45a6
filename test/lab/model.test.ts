import { describe, expect, it } from 'vitest';
import { anchorManifest, arming, jobManifest, storedPlan } from '../../src/kubernetes/job.ts';
import { settle } from '../../src/settings.ts';
import { CATALOGUE, type Condition, type Entry, holdfastModel, AS_CODED } from '../../lab/model/catalogue.ts';
import { type Emit, explore, type Model } from '../../lab/model/explore.ts';
import { caughtBy, MUTANTS } from '../../lab/model/mutants.ts';
import { timeline } from '../../lab/model/table.ts';
import { PROMISE } from '../../lab/model/promise.ts';

const BOUNDS = { maxStates: 300_000 };

function entryNamed(name: string): Entry {
  const entry = CATALOGUE.find((item) => item.name === name);
  if (entry === undefined) throw new Error(`no protocol ${name}`);
  return entry;
}

/** The properties that do not hold for this protocol when these faults may happen. */
function broken(name: string, faults: Condition['faults'] = {}, habits: Condition['habits'] = {}): readonly string[] {
  const exploration = explore(entryNamed(name).model({ name: 'test', faults, habits }), BOUNDS);
  expect(exploration.complete).toBe(true);
  return exploration.verdicts.filter(({ result }) => result === 'broken').map(({ property }) => property);
}

describe('the explorer', () => {
  interface Walk {
    readonly place: { readonly x: number; readonly y: number };
  }
  const walk = (steps: (walk: Walk, emit: Emit<Walk>) => void): Model<Walk> => ({
    parts: ['place'],
    initial: { place: { x: 0, y: 0 } },
    steps,
    properties: [
      { kind: 'never', name: 'never at 2,1', broken: ({ place }) => place.x === 2 && place.y === 1 },
      {
        kind: 'always',
        name: 'can always go home',
        goal: ({ place }) => place.x === 0 && place.y === 0,
        concerns: () => true,
        shows: () => true,
      },
    ],
  });

  it('finds a planted bug by a shortest path, and counts every state once', () => {
    const model = walk(({ place: { x, y } }, emit) => {
      emit('right', { place: { x: (x + 1) % 4, y } });
      emit('up', { place: { x, y: (y + 1) % 4 } });
    });
    const { states, complete, verdicts } = explore(model, BOUNDS);
    expect({ states, complete }).toEqual({ states: 16, complete: true });
    expect(verdicts[0]?.path.map(({ label }) => label)).toEqual(['right', 'right', 'up']);
    expect(verdicts[1]?.result).toBe('holds');
  });

  it('finds the loop that has no way home, although it is no dead end', () => {
    const model = walk(({ place: { x, y } }, emit) => {
      if (y === 0) emit('right', { place: { x: (x + 1) % 3, y } });
      if (x === 1 && y === 0) emit('fall', { place: { x, y: 1 } });
      if (y > 0) emit('round', { place: { x, y: (y % 3) + 1 } });
    });
    const verdict = explore(model, BOUNDS).verdicts[1];
    expect(verdict?.result).toBe('broken');
    expect(verdict?.path.map(({ label }) => label)).toEqual(['right', 'fall']);
  });

  it('says that it has no answer when it was cut short', () => {
    const model = walk(({ place: { x } }, emit) => emit('right', { place: { x: x + 1, y: 0 } }));
    const { complete, verdicts } = explore(model, { maxStates: 1_000 });
    expect(complete).toBe(false);
    expect(verdicts.map(({ result }) => result)).toEqual(['bounded', 'bounded']);
  });
});

describe('the baselines', () => {
  it('prints the table of the background document for the naive protocol', () => {
    const { verdicts } = explore(entryNamed('naive').model({ name: 'test', faults: {} }), BOUNDS);
    const orphan = verdicts.find(({ property }) => property === PROMISE.cleanCancel);
    expect(orphan && timeline(orphan)).toEqual([
      'T0: Worker picks up the evaluation task',
      'T1: Worker updates status to "provisioning"',
      'T2: Worker makes HTTP call to dispatcher to create K8s job',
      'T3: User requests cancellation',
      'T4: Cancel handler checks status (provisioning), tries kill',
      'T5: Kill returns 404 (no K8s job exists yet)',
      'T6: Cancel handler updates status to "cancelled"',
      'T7: Dispatcher finally receives/processes the request from T2',
      'T8: Dispatcher creates K8s job',
      'Result: Orphaned K8s job running for a cancelled evaluation',
    ]);
  });

  it.each(['naive', 'status-check', 'request-token', 'two-phase', 'temporal-generated', 'temporal-known'])(
    '%s leaves an orphan with no fault at all',
    (name) => expect(broken(name)).toContain(PROMISE.cleanCancel),
  );

  it.each(['state-machine', 'event-sourcing', 'interim'])(
    '%s cleans up, but runs a container after "cancelled"',
    (name) => {
      expect(broken(name)).toContain(PROMISE.noContainer);
      expect(broken(name)).not.toContain(PROMISE.cleanCancel);
    },
  );

  it.each(['creation-lock', 'request-token-best', 'state-machine-best', 'two-phase-best', 'event-sourcing-best'])(
    '%s leaves nothing while its assumptions hold, and an orphan when a create is late',
    (name) => {
      expect(broken(name)).toEqual([PROMISE.truth]);
      expect(broken(name, { late: 1 })).toContain(PROMISE.cleanCancel);
    },
  );

  it.each(['creation-lock', 'request-token-best'])('%s leaves an orphan when its lock or trace expires', (name) =>
    expect(broken(name, { expiry: 1 })).toContain(PROMISE.cleanCancel),
  );

  it('a lock without expiry blocks the cancel for ever when its holder dies', () =>
    expect(broken('creation-lock', { crash: 1 })).toContain(PROMISE.cleanEnd));

  it.each(['naive', 'interim', 'creation-lock', 'temporal-known'])(
    "%s deletes somebody else's Job of the same name",
    (name) => expect(broken(name, { rival: 1 })).toContain(PROMISE.noForeign),
  );
});

describe('Holdfast', () => {
  it('is modelled as it is coded: the anchor is born without the key that Pods mount, and armed by its uid', () => {
    const run = { taskId: 'task', runId: 'run', attempt: 1 };
    const settings = settle({ workload: 'command', image: 'image' });
    const { manifest } = anchorManifest(
      'temporal',
      run,
      'command',
      settings,
      { image: 'image', env: {}, files: [] },
      '',
    );
    const anchor = {
      run,
      namespace: 'n',
      name: manifest.metadata?.name ?? '',
      uid: 'uid',
      workload: 'command',
      timeoutSeconds: 1,
    } as const;
    const [volume] = jobManifest('temporal', anchor, storedPlan(manifest)).spec?.template.spec?.volumes ?? [];
    const mounted = volume?.configMap?.items?.map(({ key }) => key) ?? [];
    const { metadata, data } = arming(anchor);
    expect({ optional: volume?.configMap?.optional, uid: metadata.uid }).toEqual({ optional: false, uid: 'uid' });
    expect(mounted.filter((key) => key in data)).toEqual(Object.keys(data));
    expect(Object.keys(manifest.data ?? {}).filter((key) => key in data)).toEqual([]);
    expect(AS_CODED).toEqual({ armedByUid: true, startedByHistory: true });
  });

  it.each([
    {},
    { late: 1 },
    { twice: 1 },
    { crash: 1 },
    { zombie: 1 },
    { rival: 1 },
    { terminate: 1 },
    { kill: 1 },
    { retry: 1 },
    { reset: 1, cancel: 0 },
  ])('keeps every promise with %o', (faults) =>
    expect(broken('holdfast', faults, { statusWrites: false })).toEqual([]),
  );

  it.each([{}, { late: 1 }, { twice: 1 }, { crash: 1 }, { zombie: 1 }])(
    'keeps every promise where Kueue starts the Job, with %o',
    (faults) => {
      const kueue = { name: 'test', faults: { ...faults, kueue: 1 }, habits: { statusWrites: false } };
      const exploration = explore(holdfastModel(kueue, { ...AS_CODED, kueue: true }), BOUNDS);
      expect(exploration.complete).toBe(true);
      expect(exploration.verdicts.filter(({ result }) => result === 'broken')).toEqual([]);
    },
  );

  it.each([{}, { late: 1 }, { twice: 1 }, { crash: 1 }, { zombie: 1 }])(
    'keeps every promise where the Job comes when the run is let in, with %o',
    (faults) => {
      const letIn = { name: 'test', faults, habits: { statusWrites: false } };
      const exploration = explore(holdfastModel(letIn, { ...AS_CODED, letIn: true }), BOUNDS);
      expect(exploration.complete).toBe(true);
      expect(exploration.verdicts.filter(({ result }) => result === 'broken')).toEqual([]);
    },
  );

  it('leaves a stray anchor, and nothing else, when the sweeper never runs', () => {
    const model = holdfastModel({ name: 'test', faults: { late: 1 } }, { ...AS_CODED, noSweeper: true });
    const verdict = explore(model, BOUNDS).verdicts.find(({ property }) => property === PROMISE.cleanCancel);
    expect(verdict?.path.at(-1)?.state).toMatchObject({ cluster: { anchors: [{ armed: false }], jobs: [], pods: [] } });
  });
});

describe('mutants of Holdfast', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s: a property notices when not', (_, mutant) => {
    const { properties } = caughtBy(mutant, BOUNDS);
    if (mutant.caughtBy === undefined) expect(properties).toEqual([]);
    else expect(properties).toContain(mutant.caughtBy);
  });
});

/**
 * Cancel before, inside and after each request that makes something, with and without a worker that dies meanwhile; and
 * the held request is let go only after the answer, as late as it gets.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kind, SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import type { Fault } from '../../lab/proxy/fault-proxy.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import type { CancelAnswer } from '../../src/contract.ts';
import { taskLabel } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

interface Point {
  readonly name: string;
  readonly verb: Verb;
  readonly kind: Kind;
  /** The answer when the request has not, or has, taken effect before the cancel. */
  readonly without: CancelAnswer;
  readonly withIt: CancelAnswer;
}

const POINTS: readonly Point[] = [
  {
    name: 'anchor',
    verb: 'create',
    kind: 'ConfigMap',
    without: 'cancelled_before_start',
    withIt: 'cancelled_before_start',
  },
  { name: 'reserve', verb: 'create', kind: 'Job', without: 'cancelled_before_start', withIt: 'cancelled_before_start' },
  { name: 'start', verb: 'patch', kind: 'Job', without: 'cancelled_running', withIt: 'cancelled_running' },
  { name: 'release', verb: 'delete', kind: 'Job', without: 'cancelled_running', withIt: 'cancelled_running' },
];
const MODES = ['held before', 'held at its last byte', 'answer held', 'answer dropped', 'doubled'] as const;
type Mode = (typeof MODES)[number];

interface Case {
  readonly id: string;
  readonly point: Point;
  readonly mode: Mode;
  readonly gate: Gate;
  readonly reached: Gate;
}

let scene: Scene;
let pods: PodWitness;
let busybox: string;
let cases: ReadonlyMap<string, Case>;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  pods = new PodWitness(scene.kube, scene.namespace);
  scene.proxy.setRule((request) => faultFor(request));
});
afterAll(async () => {
  await pods.close();
  await scene.close();
});

function makeCases(prefix: string): ReadonlyMap<string, Case> {
  const made = POINTS.flatMap((point) =>
    MODES.map((mode, index) => {
      // Ids are one namespace for all runs of the tests on a Temporal: the scene's own name keeps them apart.
      const id = `${prefix}-${point.name}-${index}-${scene.namespace.slice(-8)}`;
      return { id, point, mode, gate: new Gate(), reached: new Gate() };
    }),
  );
  return new Map(made.map((item) => [item.id, item]));
}

const met = new Set<string>();

/** The first request of its kind gets the fault; retries pass. */
function faultFor(request: SeenRequest): Fault {
  const found = [...cases.values()].find(({ id }) => request.of.startsWith(`hf-${id}-`));
  if (
    found === undefined ||
    request.verb !== found.point.verb ||
    request.kind !== found.point.kind ||
    met.has(found.id)
  )
    return { do: 'pass' };
  met.add(found.id);
  found.reached.open();
  switch (found.mode) {
    case 'held before':
      return { do: 'hold', until: found.gate };
    case 'held at its last byte':
      return { do: 'hold', until: found.gate, lastByte: true };
    case 'answer held':
      return { do: 'hold answer', until: found.gate };
    case 'answer dropped':
      return { do: 'drop answer' };
    case 'doubled':
      return { do: 'duplicate', again: found.gate };
  }
}

interface Seen {
  readonly answer: CancelAnswer;
  readonly outcome: string;
  readonly offences: readonly string[];
  readonly left: number;
  /** "Before start" is true only if there was never a Pod. */
  readonly podsThoughNotStarted: number;
}

const CLEAN = { outcome: 'cancelled', offences: [], left: 0, podsThoughNotStarted: 0 };

/** Cancels, lets the late request go after the answer, and looks at the world when it is quiet. */
async function cancelAndLook(item: Case): Promise<Seen> {
  const task = taskLabel(await namespaceId(scene.client.temporal), item.id);
  const answer = await scene.client.cancel(item.id, { reason: item.mode });
  const answeredAt = Date.now();
  item.gate.open();
  const { outcome } = await scene.client.result(item.id);
  const left = async () => {
    const { anchors, jobs, pods } = await scene.remains(item.id);
    return anchors.length + jobs.length + pods.length;
  };
  await until(`nothing is left of ${item.id}`, async () => (await left()) === 0, 60);
  const podsThoughNotStarted = answer === 'cancelled_before_start' ? pods.of(task).length : 0;
  return {
    answer,
    outcome,
    offences: pods.offencesAfter(task, answeredAt),
    left: await left(),
    podsThoughNotStarted,
  };
}

/** Where nothing is held up the task goes on while the cancel is on its way; whether it started is checked by its Pods. */
function allowed({ point, mode }: Case): readonly CancelAnswer[] {
  if (mode === 'doubled' || mode === 'answer dropped') return ['cancelled_before_start', 'cancelled_running'];
  return [mode === 'held before' || mode === 'held at its last byte' ? point.without : point.withIt];
}

describe('a cancel while a request is on the wire', () => {
  it('before any worker has seen the task: nothing is ever made', async () => {
    cases = new Map();
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    const answer = scene.client.cancel(taskId);
    await scene.startWorker();
    expect(await answer).toBe('cancelled_before_start');
    expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
  });

  it('leaves nothing, and the answer is what happened, though the request lands after it', async () => {
    cases = makeCases('wire');
    const seen = await Promise.all([...cases.values()].map((item) => startReachCancel(item)));
    for (const [index, item] of [...cases.values()].entries()) {
      const { answer, ...rest } = seen[index] ?? { answer: 'not played' };
      expect(rest).toEqual({ id: item.id, ...CLEAN });
      expect(allowed(item), item.id).toContain(answer);
    }
  });

  it('leaves nothing when the worker is killed with the request on the wire', async () => {
    cases = makeCases('kill');
    const items = [...cases.values()].filter(({ point }) => point.name !== 'release');
    await Promise.all(items.map((item) => start(item)));
    await scene.worker.end('SIGKILL');
    await scene.startWorker();
    const seen = await Promise.all(items.map(async (item) => ({ id: item.id, ...(await cancelAndLook(item)) })));
    for (const { id, answer, ...rest } of seen) {
      expect({ id, ...rest }).toEqual({ id, ...CLEAN });
      expect(['cancelled_before_start', 'cancelled_running']).toContain(answer);
    }
  });
});

async function start(item: Case): Promise<void> {
  await scene.client.start(command(busybox, FOREVER), { id: item.id });
  await item.reached.opened;
}

async function startReachCancel(item: Case): Promise<{ id: string } & Seen> {
  if (item.point.name !== 'release') await start(item);
  else {
    await scene.client.start(command(busybox, FOREVER), { id: item.id });
    await until(`${item.id} runs`, async () => (await scene.client.describe(item.id)).pod?.phase === 'Running', 60);
    // Held until after the answer would be for ever: the answer waits for the delete. It is let go when it is there.
    void item.reached.opened.then(() => setTimeout(item.gate.open, 3_000));
  }
  return { id: item.id, ...(await cancelAndLook(item)) };
}

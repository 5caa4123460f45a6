/**
 * Cancel before, inside and after each request that makes something, with and without a worker that dies meanwhile; and
 * the held request is let go only after the answer, as late as it gets.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kind, Verb } from '../../lab/proxy/classify.ts';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import type { CancelAnswer } from '../../src/contract.ts';
import { taskLabel } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';
import { MODES, putOnTheWire, WireCase } from './wire-cases.ts';

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
  { name: 'arm', verb: 'patch', kind: 'ConfigMap', without: 'cancelled_running', withIt: 'cancelled_running' },
  { name: 'start', verb: 'patch', kind: 'Job', without: 'cancelled_running', withIt: 'cancelled_running' },
  { name: 'release', verb: 'delete', kind: 'Job', without: 'cancelled_running', withIt: 'cancelled_running' },
];

interface Case {
  readonly point: Point;
  readonly wire: WireCase;
}

let scene: Scene;
let pods: PodWitness;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  pods = new PodWitness(scene.kube, scene.namespace);
});
afterAll(async () => {
  await pods.close();
  await scene.close();
});

function playCases(prefix: string, points: readonly Point[]): readonly Case[] {
  const cases = points.flatMap((point) =>
    MODES.map((mode, index) => {
      // Ids are one namespace for all runs of the tests on a Temporal: the scene's own name keeps them apart.
      const id = `${prefix}-${point.name}-${index}-${scene.namespace.slice(-8)}`;
      return { point, wire: new WireCase(id, mode, [point.verb, point.kind]) };
    }),
  );
  putOnTheWire(
    scene.proxy,
    cases.map(({ wire }) => wire),
  );
  return cases;
}

interface Seen {
  readonly answer: CancelAnswer;
  readonly outcome: string;
  readonly offences: readonly string[];
  /** "Before start" is true only if there was never a Pod. */
  readonly podsThoughNotStarted: number;
}

const CLEAN = { outcome: 'cancelled', offences: [], podsThoughNotStarted: 0 };

/** Cancels, lets the late request land after the answer, and looks at the world when it is quiet. */
async function cancelAndLook({ id, mode, gate, landed }: WireCase): Promise<Seen> {
  const task = taskLabel(await namespaceId(scene.client.temporal), id);
  const answer = await scene.client.cancel(id, { reason: mode });
  const answeredAt = Date.now();
  gate.open();
  const { outcome } = await scene.client.result(id);
  // A Job that comes so late is there until the garbage collector sees that its owner is gone.
  await landed.opened;
  await until(`nothing is left of ${id}`, async () => Object.values(await scene.remains(id)).flat().length === 0, 60);
  const podsThoughNotStarted = answer === 'cancelled_before_start' ? pods.of(task).length : 0;
  return { answer, outcome, offences: pods.offencesAfter(task, answeredAt), podsThoughNotStarted };
}

/** Where nothing is held up the task goes on while the cancel is on its way; whether it started is checked by its Pods. */
function allowed({ point, wire: { mode } }: Case): readonly CancelAnswer[] {
  if (mode === 'doubled' || mode === 'answer dropped') return ['cancelled_before_start', 'cancelled_running'];
  return [mode === 'held before' || mode === 'held at its last byte' ? point.without : point.withIt];
}

describe('a cancel while a request is on the wire', () => {
  it('before any worker has seen the task: nothing is ever made', async () => {
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    const answer = scene.client.cancel(taskId);
    await scene.startWorker();
    expect(await answer).toBe('cancelled_before_start');
    expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
  });

  it('leaves nothing, and the answer is what happened, though the request lands after it', async () => {
    const cases = playCases('wire', POINTS);
    const seen = await Promise.all(cases.map(startReachCancel));
    for (const [index, item] of cases.entries()) {
      const { answer, ...rest } = seen[index] ?? { answer: 'not played' };
      expect(rest).toEqual({ id: item.wire.id, ...CLEAN });
      expect(allowed(item), item.wire.id).toContain(answer);
    }
  });

  it('leaves nothing when the worker is killed with the request on the wire', async () => {
    const cases = playCases(
      'kill',
      POINTS.filter(({ name }) => name !== 'release'),
    );
    await Promise.all(cases.map(({ wire }) => start(wire)));
    await scene.worker.end('SIGKILL');
    await scene.startWorker();
    const seen = await Promise.all(cases.map(async ({ wire }) => ({ id: wire.id, ...(await cancelAndLook(wire)) })));
    for (const { id, answer, ...rest } of seen) {
      expect({ id, ...rest }).toEqual({ id, ...CLEAN });
      expect(['cancelled_before_start', 'cancelled_running']).toContain(answer);
    }
  });
});

async function start({ id, reached }: WireCase): Promise<void> {
  await scene.client.start(command(busybox, FOREVER), { id });
  await reached.opened;
}

async function startReachCancel({ point, wire }: Case): Promise<{ id: string } & Seen> {
  const { id, reached, gate } = wire;
  if (point.name !== 'release') await start(wire);
  else {
    await scene.client.start(command(busybox, FOREVER), { id });
    await until(`${id} runs`, async () => (await scene.client.describe(id)).pod?.phase === 'Running', 60);
    // Held until after the answer would be for ever: the answer waits for the delete. It is let go when its sender has
    // given it up, after the deadline of 2 s.
    void reached.opened.then(() => setTimeout(gate.open, 3_000));
  }
  return { id, ...(await cancelAndLook(wire)) };
}

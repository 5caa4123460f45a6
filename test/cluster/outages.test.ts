/**
 * The servers are away for a while, or answer wrongly, with tasks in every phase: each carries on, none is lost, doubled
 * or falsely failed, and a cancel that is asked meanwhile is answered truly. "Away" is away for the worker: a line before
 * the server is cut; the client, and the eyes of the test, go past it. Both servers are away for a whole minute once; one
 * alone for 20 s, which is longer than every heartbeat timeout, deadline and back-off of the product, for the sake of time.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Fault, Refusal } from '../../lab/proxy/fault-proxy.ts';
import type { Kind, SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { JobWitness } from '../../lab/stage/job-witness.ts';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import { type Lines, Stage } from '../../lab/stage/stage.ts';
import type { CancelAnswer, Outcome } from '../../src/contract.ts';
import { taskLabel } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, images, until } from './scene.ts';

let scene: Stage;
let busybox: string;
let jobs: JobWitness;
let pods: PodWitness;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await Stage.open({ workflowBundle: inject('workflowBundle'), breakable: true });
  jobs = new JobWitness(scene.kube, scene.namespace);
  pods = new PodWitness(scene.kube, scene.namespace);
  await scene.startWorker();
});
afterAll(async () => {
  await Promise.all([jobs.close(), pods.close()]);
  await scene.close();
});

const nothing = { anchors: [], jobs: [], pods: [] };

/** Requests that stay on the wire: every one of this kind for the task, until the gate opens. */
interface Held {
  readonly at: `${Verb} ${Kind}`;
  readonly as: 'hold' | 'hold answer';
}

/** A task of the play: where it is when it begins, and what must have become of it. */
interface Part {
  readonly script: string;
  readonly held?: Held;
  /** Waited for before the servers go away, besides what is held. */
  readonly runs?: true;
  readonly cancel?: 'before' | 'meanwhile';
  readonly answer?: CancelAnswer;
  readonly outcome: Outcome;
  /** Jobs that were let go, in all. */
  readonly started: 0 | 1;
}

const SHORT = 'sleep 3; echo done';
const held = (at: Held['at'], as: Held['as'] = 'hold'): Held => ({ at, as });

const OUTLASTING = 'outlasts-it';

const PARTS: Readonly<Record<string, Part>> = {
  provisioning: { script: 'true', held: held('create ConfigMap'), outcome: 'succeeded', started: 1 },
  reserving: { script: 'true', held: held('create Job'), outcome: 'succeeded', started: 1 },
  'start-unsent': { script: 'true', held: held('patch Job'), outcome: 'succeeded', started: 1 },
  'start-unanswered': { script: 'true', held: held('patch Job', 'hold answer'), outcome: 'succeeded', started: 1 },
  'ends-meanwhile': { script: SHORT, runs: true, outcome: 'succeeded', started: 1 },
  'fails-meanwhile': { script: 'sleep 3; exit 3', runs: true, outcome: 'failed', started: 1 },
  [OUTLASTING]: { script: '', runs: true, outcome: 'succeeded', started: 1 },
  releasing: { script: 'true', held: held('delete Job'), outcome: 'succeeded', started: 1 },
  'being-cancelled': {
    script: FOREVER,
    runs: true,
    held: held('delete Job'),
    cancel: 'before',
    outcome: 'cancelled',
    started: 1,
  },
  'cancel-meanwhile': {
    script: FOREVER,
    runs: true,
    cancel: 'meanwhile',
    answer: 'cancelled_running',
    outcome: 'cancelled',
    started: 1,
  },
  'cancel-reserving': {
    script: 'true',
    held: held('create Job'),
    cancel: 'meanwhile',
    answer: 'cancelled_before_start',
    outcome: 'cancelled',
    started: 0,
  },
};

class Play {
  /** How long the servers are away. Seconds. */
  readonly #seconds: number;
  readonly #gate = new Gate();
  readonly #reached = new Set<string>();
  readonly #ids = new Map<string, string>();
  readonly #answers: Promise<void>[] = [];

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Brings every task to where it shall be. */
  async begin(): Promise<void> {
    scene.proxy.setRule((request) => this.#rule(request));
    await Promise.all(Object.keys(PARTS).map((name) => this.#start(name)));
    await Promise.all(Object.keys(PARTS).map((name) => this.#arrive(name)));
  }

  /** While the servers are away: cancels are asked for, one more task is started, and what was held goes on its way. */
  async meanwhile(): Promise<void> {
    for (const [name, { cancel, answer }] of Object.entries(PARTS))
      if (cancel === 'meanwhile') this.#answers.push(this.#cancel(name, answer));
    const { taskId } = await scene.client.start(command(busybox, 'true'), { id: `started-meanwhile-${randomUUID()}` });
    this.#ids.set('started-meanwhile', taskId);
  }

  openGate(): void {
    this.#gate.open();
    scene.proxy.setRule(() => ({ do: 'pass' }));
  }

  async end(): Promise<void> {
    await Promise.all(this.#answers);
    const started: Part = { script: '', outcome: 'succeeded', started: 1 };
    const told = await Promise.all([...this.#ids].map(([name, taskId]) => tellingOf(name, taskId)));
    const expected = [...this.#ids.keys()].map((name) => {
      const { outcome, started: jobs } = PARTS[name] ?? started;
      return { name, outcome, startedJobs: jobs, pods: jobs, remains: nothing };
    });
    expect(told).toEqual(expected);
  }

  async #start(name: string): Promise<void> {
    const part = partOf(name);
    const id = `${name}-${randomUUID()}`;
    this.#ids.set(name, id);
    const script = name === OUTLASTING ? `sleep ${this.#seconds + 15}` : part.script;
    await scene.client.start(command(busybox, script, { timeout: '10m' }), { id });
  }

  async #arrive(name: string): Promise<void> {
    const { runs, held, cancel } = partOf(name);
    const taskId = this.#ids.get(name) ?? '';
    if (runs) await until(`${name} runs`, async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    if (cancel === 'before') await scene.client.cancel(taskId, { wait: false });
    if (held) await until(`${name} is on the wire`, () => this.#reached.has(name));
  }

  async #cancel(name: string, expected: CancelAnswer | undefined): Promise<void> {
    expect(await scene.client.cancel(this.#ids.get(name) ?? ''), name).toBe(expected);
  }

  #rule({ verb, kind, of }: SeenRequest): Fault {
    const name = Object.keys(PARTS).find((part) => of.startsWith(`hf-${part}`));
    const held = name === undefined ? undefined : partOf(name).held;
    if (name === undefined || held?.at !== `${verb} ${kind}`) return { do: 'pass' };
    this.#reached.add(name);
    return { do: held.as, until: this.#gate };
  }
}

function partOf(name: string): Part {
  const part = PARTS[name];
  if (part === undefined) throw new TypeError(`no part is called ${name}`);
  return part;
}

async function tellingOf(name: string, taskId: string) {
  const { outcome } = await scene.client.result(taskId);
  const task = taskLabel(await namespaceId(scene.client.temporal), taskId);
  const startedJobs = jobs.startedOf(task).length;
  const seen = new Set(pods.of(task).map(({ pod }) => pod.metadata?.uid)).size;
  return { name, outcome, startedJobs, pods: seen, remains: await scene.remains(taskId) };
}

describe('tasks in every phase carry on, none lost, doubled or falsely failed, when', () => {
  it.each<readonly [string, readonly (keyof Lines)[], number]>([
    ['Kubernetes is', ['kubernetes'], 20],
    ['Temporal is', ['temporal'], 20],
    ['both are', ['kubernetes', 'temporal'], 60],
  ])('%s away', async (_, down, seconds) => {
    const play = new Play(seconds);
    await play.begin();
    for (const server of down) scene.lines[server].cut();
    await play.meanwhile();
    await sleep((seconds * 1_000) / 2);
    // What was on the wire arrives with nobody waiting for its answer any more.
    play.openGate();
    await sleep((seconds * 1_000) / 2);
    for (const server of down) scene.lines[server].restore();
    await play.end();
  });

  it('the API server turns everything away, takes our token for expired, has no rights loaded, or is not the one that answers', async () => {
    const play = new Play(35);
    await play.begin();
    const storms: readonly (readonly [Refusal, number])[] = [
      [429, 20],
      [401, 5],
      ['page', 5],
      [403, 4],
    ];
    for (const [refusal, seconds] of storms) {
      scene.proxy.refuse(refusal);
      // Watches that are open would not notice.
      scene.lines.kubernetes.cut();
      scene.lines.kubernetes.restore();
      if (refusal === 429) await play.meanwhile();
      play.openGate();
      await sleep(seconds * 1_000);
    }
    scene.proxy.refuse();
    await play.end();
  });
});

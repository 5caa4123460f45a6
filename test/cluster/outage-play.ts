/** Tasks in every phase of their life when servers go away: what each is at, and what must have become of it. */
import { randomUUID } from 'node:crypto';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect } from 'vitest';
import type { Kind, SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import type { Fault } from '../../lab/proxy/fault-proxy.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import type { Stage } from '../../lab/stage/stage.ts';
import type { Eyes } from '../../lab/sweep/eyes.ts';
import { startedJobs } from '../../lab/sweep/oracle.ts';
import type { CancelAnswer, Outcome } from '../../src/contract.ts';
import { taskLabel } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, until } from './scene.ts';

/** Requests that stay on the wire: every one of this kind for the task, until it is let go. */
interface Held {
  readonly at: `${Verb} ${Kind}`;
  readonly as: 'hold' | 'hold answer';
}

/** A task of the play: where it is when it begins, and what must have become of it. */
interface Part {
  readonly script: string;
  readonly held?: Held;
  /** What its Pod is waited for to be before the servers go away, besides what is held. */
  readonly is?: 'Pending' | 'Running';
  readonly cancel?: 'before' | 'meanwhile';
  readonly answer?: CancelAnswer;
  readonly outcome: Outcome;
  /** Jobs that were let go, in all, each with one Pod. */
  readonly started: 0 | 1;
}

const held = (at: Held['at'], as: Held['as'] = 'hold'): Held => ({ at, as });

/** The one that runs longer than the servers are away. */
const OUTLASTING = 'outlasts-it';
/** Its Pod waits for a node with a label, which there is only when all is let go. */
const WAITING = 'waits-for-a-node';

/** Started when all else is in place, so that they still run when the servers go; long enough for that to be seen. */
const BRIEF: readonly string[] = ['ends-meanwhile', 'fails-meanwhile'];

const PARTS: Readonly<Record<string, Part>> = {
  provisioning: { script: 'true', held: held('create ConfigMap'), outcome: 'succeeded', started: 1 },
  reserving: { script: 'true', held: held('create Job'), outcome: 'succeeded', started: 1 },
  'start-unsent': { script: 'true', held: held('patch Job'), outcome: 'succeeded', started: 1 },
  'start-unanswered': { script: 'true', held: held('patch Job', 'hold answer'), outcome: 'succeeded', started: 1 },
  [WAITING]: { script: 'true', is: 'Pending', outcome: 'succeeded', started: 1 },
  'ends-meanwhile': { script: 'sleep 15', is: 'Running', outcome: 'succeeded', started: 1 },
  'fails-meanwhile': { script: 'sleep 15; exit 3', is: 'Running', outcome: 'failed', started: 1 },
  [OUTLASTING]: { script: '', is: 'Running', outcome: 'succeeded', started: 1 },
  releasing: { script: 'true', held: held('delete Job'), outcome: 'succeeded', started: 1 },
  'being-cancelled': {
    script: FOREVER,
    is: 'Running',
    held: held('delete Job'),
    cancel: 'before',
    outcome: 'cancelled',
    started: 1,
  },
  'cancel-meanwhile': {
    script: FOREVER,
    is: 'Running',
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

const STARTED_MEANWHILE: Part = { script: 'true', outcome: 'succeeded', started: 1 };
const nothing = { anchors: [], jobs: [], pods: [] };

export class Play {
  readonly #scene: Stage;
  readonly #image: string;
  /** How long the servers are away, at least. Seconds. */
  readonly #seconds: number;
  readonly #label: string;
  readonly #gate = new Gate();
  readonly #reached = new Set<string>();
  readonly #ids = new Map<string, string>();
  readonly #answers: Promise<void>[] = [];

  private constructor(scene: Stage, image: string, seconds: number) {
    this.#scene = scene;
    this.#image = image;
    this.#seconds = seconds;
    this.#label = `holdfast.dev/outage-${scene.namespace}`;
    scene.proxy.setRule((request) => this.#rule(request));
  }

  /** Brings every task to where it shall be. */
  static async begin(scene: Stage, image: string, seconds: number): Promise<Play> {
    const play = new Play(scene, image, seconds);
    const others = Object.keys(PARTS).filter((name) => !BRIEF.includes(name));
    for (const names of [others, BRIEF]) {
      await Promise.all(names.map((name) => play.#start(name)));
      await Promise.all(names.map((name) => play.#arrive(name)));
    }
    return play;
  }

  /** Cancels are asked for and one more task is started. */
  async meanwhile(): Promise<void> {
    for (const [name, { cancel, answer }] of Object.entries(PARTS))
      if (cancel === 'meanwhile') this.#answers.push(this.#cancel(name, answer));
    const { taskId } = await this.#scene.client.start(command(this.#image, STARTED_MEANWHILE.script), {
      id: `started-meanwhile-${randomUUID()}`,
    });
    this.#ids.set('started-meanwhile', taskId);
  }

  /** What was held goes on its way, and the Pod that waits for a node gets one. */
  async letGo(): Promise<void> {
    this.#gate.open();
    this.#scene.proxy.setRule(() => ({ do: 'pass' }));
    await this.#labelNode('yes');
  }

  /** Each task has the outcome that it must have, of one Job and one Pod at most, and nothing is left. */
  async end(...eyes: readonly Eyes[]): Promise<void> {
    await Promise.all(this.#answers);
    const told = await Promise.all([...this.#ids.keys()].map((name) => this.#tellingOf(name, eyes)));
    for (const looking of eyes) looking.check();
    await this.#labelNode(null);
    const expected = [...this.#ids.keys()].map((name) => {
      const { outcome, started } = PARTS[name] ?? STARTED_MEANWHILE;
      return { name, outcome, startedJobs: started, pods: started, remains: nothing };
    });
    expect(told).toEqual(expected);
  }

  idOf(name: string): string {
    const id = this.#ids.get(name);
    if (id === undefined) throw new TypeError(`no part is called ${name}`);
    return id;
  }

  async #start(name: string): Promise<void> {
    const id = `${name}-${randomUUID()}`;
    this.#ids.set(name, id);
    const script = name === OUTLASTING ? `sleep ${this.#seconds + 30}` : (PARTS[name]?.script ?? '');
    const nodeSelector = name === WAITING ? { [this.#label]: 'yes' } : {};
    await this.#scene.client.start(command(this.#image, script, { timeout: '10m', nodeSelector }), { id });
  }

  async #arrive(name: string): Promise<void> {
    const { is, held, cancel } = PARTS[name] ?? STARTED_MEANWHILE;
    const { client } = this.#scene;
    const taskId = this.idOf(name);
    if (is) await until(`${name} is ${is}`, async () => (await client.describe(taskId)).pod?.phase === is);
    if (cancel === 'before') await client.cancel(taskId, { wait: false });
    if (held) await until(`${name} is on the wire`, () => this.#reached.has(name));
  }

  async #cancel(name: string, expected: CancelAnswer | undefined): Promise<void> {
    expect(await this.#scene.client.cancel(this.idOf(name)), name).toBe(expected);
  }

  #rule({ verb, kind, of }: SeenRequest): Fault {
    const name = Object.keys(PARTS).find((part) => of.startsWith(`hf-${part}`));
    const held = name === undefined ? undefined : PARTS[name]?.held;
    if (name === undefined || held?.at !== `${verb} ${kind}`) return { do: 'pass' };
    this.#reached.add(name);
    return { do: held.as, until: this.#gate };
  }

  async #tellingOf(name: string, eyes: readonly Eyes[]) {
    const { client } = this.#scene;
    const taskId = this.idOf(name);
    const { outcome } = await client.result(taskId);
    const task = taskLabel(await namespaceId(client.temporal), taskId);
    const glimpses = eyes.flatMap((looking) => looking.of(task));
    const pods = new Set(glimpses.filter(({ kind }) => kind === 'Pod').map(({ uid }) => uid)).size;
    return {
      name,
      outcome,
      startedJobs: startedJobs(glimpses).length,
      pods,
      remains: await this.#scene.remains(taskId),
    };
  }

  /** A label that is the play's own, on whatever node there is; null takes it away. */
  async #labelNode(value: 'yes' | null): Promise<void> {
    const { core } = this.#scene;
    const { items } = await core.listNode();
    const name = items.find(({ spec }) => spec?.unschedulable !== true)?.metadata?.name ?? '';
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await core.patchNode({ name, body: { metadata: { labels: { [this.#label]: value } } } }, merge);
  }
}

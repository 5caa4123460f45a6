/** A stage on which many cases play at once: who a request belongs to, and what is left when all is quiet. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { readConfig } from '../../src/config.ts';
import type { Task } from '../../src/contract.ts';
import { taskLabel } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import type { SeenRequest } from '../proxy/classify.ts';
import type { Fault } from '../proxy/fault-proxy.ts';
import { Bystander } from '../stage/bystander.ts';
import { Stage } from '../stage/stage.ts';
import { until } from '../stage/until.ts';
import type { Case } from './cases.ts';
import { Eyes } from './eyes.ts';
import { latePods, type Observed, offences } from './oracle.ts';
import { Player } from './player.ts';
import type { Schedule } from './schedule.ts';

export interface CaseResult {
  readonly id: string;
  readonly offences: readonly string[];
  readonly cancelled: boolean;
  readonly answer?: string;
  readonly outcome?: string;
  readonly latePods: number;
  readonly requests: number;
  /** Milliseconds from start to told. */
  readonly ms: number;
}

/** Release is long over; the sweeper, which takes what came after it, may be busy with all the other cases. */
const QUIET_SECONDS = 180;

export class Theatre {
  readonly stage: Stage;
  readonly #eyes: Eyes;
  readonly #temporalId: string;
  readonly #image: string;
  readonly #players = new Map<string, Player>();
  readonly #bystander: Bystander;
  #count = 0;

  private constructor(stage: Stage, eyes: Eyes, temporalId: string, image: string, bystander: Bystander) {
    this.stage = stage;
    this.#eyes = eyes;
    this.#temporalId = temporalId;
    this.#image = image;
    this.#bystander = bystander;
    stage.proxy.setRule((request) => this.#ruleFor(request));
    stage.proxy.setWitness({
      answered: (request) => this.#playerOf(request.of)?.onAnswered(request),
      settled: (request) => this.#playerOf(request.of)?.onSettled(request),
    });
  }

  static async open(workflowBundle: string, image: string): Promise<Theatre> {
    const stage = await Stage.open({
      workflowBundle,
      env: { HOLDFAST_LOG_LEVEL: 'warn', HOLDFAST_SWEEP_SECONDS: '10' },
    });
    const eyes = await Eyes.open(loadKubeConfig(readConfig().kubernetes), stage.namespace);
    const bystander = await Bystander.place(stage);
    return new Theatre(stage, eyes, await namespaceId(stage.client.temporal), image, bystander);
  }

  async close(): Promise<void> {
    this.#eyes.close();
    await this.stage.close();
  }

  /** Starts the task of a case; its requests are the player's from the first on. */
  async begin(schedule: Schedule): Promise<Player> {
    this.#count += 1;
    // Ids are one namespace for all sweeps of a Temporal: the stage's own name keeps them apart.
    const taskId = `s${this.#count}-${this.stage.namespace.slice(-8)}`;
    const player = new Player(this.stage.client, taskId, schedule);
    this.#players.set(taskId, player);
    this.#players.set(taskLabel(this.#temporalId, taskId), player);
    await this.stage.client.start(brief(this.#image), { id: taskId });
    return player;
  }

  /** Plays a case that needs no worker of its own, from start to judgement. */
  async play(item: Case, schedule: Schedule): Promise<CaseResult> {
    const player = await this.begin(schedule);
    return this.finish(item, player);
  }

  /** Waits for the end, lets go what was kept back, waits for quiet (and for `settled`), judges. */
  async finish(item: Case, player: Player, settled: Promise<void> = Promise.resolve()): Promise<CaseResult> {
    const since = Date.now();
    const task = taskLabel(this.#temporalId, player.taskId);
    const answer = await player.end();
    const told = await this.#eyes.now(task);
    const ms = Date.now() - since;
    const { outcome } = await this.stage.client.describe(player.taskId);
    player.letGo();
    await settled;
    const leftAfterQuiet = await this.#leftAfterQuiet(player, task);
    this.#eyes.check();
    const glimpses = this.#eyes.of(task);
    const seen: Observed = {
      cancelled: player.cancelSent && answer !== undefined,
      answer,
      outcome,
      told,
      glimpses,
      leftAfterQuiet,
    };
    this.#players.delete(player.taskId);
    this.#players.delete(task);
    this.#eyes.forget(task, item.id);
    const broken = offences(seen);
    if (broken.length > 0) this.#tellWorkersWords(item);
    return {
      id: item.id,
      offences: broken,
      cancelled: seen.cancelled,
      ...(answer !== undefined && { answer }),
      ...(outcome !== undefined && { outcome }),
      latePods: latePods(seen),
      requests: player.requests,
      ms,
    };
  }

  /** What appeared of cases after they had been judged, each with the case's id. */
  stragglers(): readonly { readonly id: string; readonly offence: string }[] {
    return this.#eyes.stragglers.map(({ id, glimpse: { kind, type, name } }) => ({
      id,
      offence: `${kind} ${name} was ${type} after the case had been judged`,
    }));
  }

  bystanderIsUntouched(): Promise<boolean> {
    return this.#bystander.isUntouched();
  }

  /** Quiet: nothing of the task is on the wire, and the server's watch and then the server itself show nothing of it. */
  async #leftAfterQuiet(player: Player, task: string): Promise<readonly string[]> {
    const left = async () => {
      const { anchors, jobs, pods } = await this.stage.remains(player.taskId);
      const named = (kind: string) => (found: { readonly metadata?: V1ObjectMeta }) =>
        `${kind} ${found.metadata?.name}`;
      return [...anchors.map(named('ConfigMap')), ...jobs.map(named('Job')), ...pods.map(named('Pod'))];
    };
    const quiet = async () =>
      player.onWay.length === 0 && this.#eyes.present(task).length === 0 && (await left()).length === 0;
    const isQuiet = await until('quiet', quiet, QUIET_SECONDS).then(
      () => true,
      () => false,
    );
    return isQuiet ? [] : [...player.onWay, ...(await left())];
  }

  /** What may say why. */
  #tellWorkersWords({ id }: Case): void {
    for (const line of this.stage.worker.log.slice(-20)) console.error(`  ${id}, worker: ${line}`);
  }

  async #ruleFor(request: SeenRequest): Promise<Fault> {
    const player = this.#playerOf(request.of);
    return player === undefined ? { do: 'pass' } : player.onRequest(request);
  }

  #playerOf(name: string): Player | undefined {
    const taskId = /hf-(s\d+-[0-9a-f]{8})-/.exec(name)?.[1];
    const label = /holdfast\.dev\/task=([0-9a-f]+)/.exec(name)?.[1];
    return this.#players.get(taskId ?? label ?? '');
  }
}

/** Ends by itself after about a second, on a real node as on a simulated one. */
function brief(image: string): Task {
  return {
    workload: 'command',
    image,
    command: ['sh', '-c', 'trap "exit 143" TERM; sleep 1 & wait'],
    resources: { cpu: '50m', memory: '16Mi', tmp: '1Mi' },
    gracePeriod: '1s',
  };
}

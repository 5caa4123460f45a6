/** A steady flow of tasks, while a worker is killed and the API server restarted again and again; then the last look. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../src/contract.ts';
import { until } from '../stage/until.ts';
import { Flow } from './flow.ts';
import { type Ground, REPORTS } from './ground.ts';
import { hitsOf, type Hit, type Target } from './hits.ts';
import { latePods, type Offence, offences, straggled } from './judge.ts';
import { Meter } from './meter.ts';
import { partOf } from './parts.ts';
import { idOf, play, type Played } from './play.ts';
import type { DoneHit, Entry, Failure, Soaked } from './results.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Tasks a second. Default: what gets through. */
  readonly rate: number | undefined;
  readonly onFailure: (failure: Failure) => void;
  readonly tell: (message: string) => void;
}

/** Between two looks whether something is to be sent; two turns of the flow; two words of progress. Milliseconds. */
const TICK_MS = 50;
const TURN_MS = 5_000;
const TELL_MS = 30_000;
/** Temporal's words for an ending, and ours. */
const RECORDED: Readonly<Record<string, Outcome>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};
/** What comes late is the sweeper's, which needs two looks. Seconds. */
const QUIET_SECONDS = 300;
const STEADY = 'the worker that is never killed';
/** Several times what it needs. Megabytes. */
const MOST_MB = 2_000;
/** How long a report of where a process is may take. Milliseconds. */
const REPORT_MS = 5_000;
const LAST_WORDS = 10;

export class Soak {
  readonly #ground: Ground;
  readonly #options: SoakOptions;
  readonly #flow: Flow;
  readonly #since = Date.now();
  readonly #playing = new Set<Promise<void>>();
  readonly #entries: Entry[] = [];
  readonly #failures: Failure[] = [];
  readonly #hits: DoneHit[] = [];
  readonly #outcomes = new Map<string, string>();
  #sent = 0;
  #gaveUp = false;
  #told = 0;

  constructor(ground: Ground, options: SoakOptions) {
    this.#ground = ground;
    this.#options = options;
    this.#flow = new Flow(options.rate);
  }

  async run(): Promise<Soaked> {
    const { steady, eyes } = this.#ground;
    const count = () => ({ seconds: Math.round(this.#seconds), open: this.#open, ended: this.#told });
    const onTooMuch = (megabytes: number) => void this.#giveUp(`${megabytes} MB`);
    const meter = new Meter(steady.pid, { count, limit: MOST_MB, onTooMuch });
    const telling = setInterval(() => this.#tell(meter), TELL_MS);
    try {
      const hits = hitsOf(this.#options.seed, this.#options.minutes * 60);
      await Promise.all([this.#send(), this.#hitAll(hits, 'worker'), this.#hitAll(hits, 'API server')]);
      meter.settle();
      this.#options.tell(`${this.#open} tasks are open; they are let end`);
      await Promise.all(this.#playing);
      await this.#lookForTheLastTime();
    } finally {
      meter.stop();
      clearInterval(telling);
    }
    const { samples } = meter;
    return { entries: this.#entries, failures: this.#failures, hits: this.#hits, gaps: eyes.gaps, samples };
  }

  get #seconds(): number {
    return (Date.now() - this.#since) / 1_000;
  }

  get #open(): number {
    return this.#sent - this.#told;
  }

  /** It would take the machine's memory from all others: it says where it is, and goes. */
  async #giveUp(what: string): Promise<void> {
    const { steady } = this.#ground;
    this.#gaveUp = true;
    this.#fail(STEADY, { is: 'grew', what });
    steady.signal('SIGUSR2');
    this.#options.tell(`a report of process ${steady.pid} is written to ${REPORTS}; its last words:`);
    for (const line of steady.log.slice(-LAST_WORDS)) this.#options.tell(line);
    await sleep(REPORT_MS);
    await steady.end('SIGKILL');
  }

  async #send(): Promise<void> {
    const isOver = () => this.#gaveUp || this.#seconds >= this.#options.minutes * 60;
    for (let turnedAt = 0; !isOver(); await sleep(TICK_MS)) {
      const [seconds, sent, open] = [this.#seconds, this.#sent, this.#open];
      for (let due = this.#flow.due({ seconds, sent, open }); due > 0; due -= 1) this.#begin();
      if (Date.now() - turnedAt < TURN_MS) continue;
      turnedAt = Date.now();
      this.#flow.turn();
    }
  }

  #begin(): void {
    const part = partOf(this.#options.seed, this.#sent);
    this.#sent += 1;
    const taskId = idOf(this.#ground, part);
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#told += 1;
      isOpen = false;
    };
    const told = (outcome: Outcome | undefined) => {
      close();
      if (outcome !== undefined) this.#outcomes.set(taskId, outcome);
    };
    const playing = play(this.#ground, part, { told, runs: (seconds) => this.#flow.learn(seconds) })
      .then((played) => this.#keep(played))
      .catch((error: unknown) => {
        close();
        this.#fail(taskId, { is: 'unjudged', what: error instanceof Error ? error.message : String(error) });
      })
      .finally(() => this.#playing.delete(playing));
    this.#playing.add(playing);
  }

  #keep(played: Played): void {
    const { taskId, part, answer, outcome, toldIn, answeredIn, goneIn } = played;
    for (const offence of offences(played)) this.#fail(taskId, offence);
    const { act, seconds } = part;
    const waited = act === 'none' ? toldIn - seconds : undefined;
    this.#entries.push({ taskId, act, answer, outcome, waited, answeredIn, goneIn, latePods: latePods(played).length });
  }

  async #hitAll(hits: readonly Hit[], target: Target): Promise<void> {
    for (const { at } of hits.filter((hit) => hit.target === target)) {
      await sleep(Math.max(0, at - this.#seconds) * 1_000);
      if (this.#gaveUp) return;
      const begun = this.#seconds;
      await (target === 'worker' ? this.#ground.killWorker() : this.#ground.restartApiServer());
      this.#hits.push({ target, at: Math.round(begun), seconds: this.#seconds - begun });
    }
  }

  /** What no task's own look can show. */
  async #lookForTheLastTime(): Promise<void> {
    const { eyes, bystander, steady } = this.#ground;
    await this.#compareWithTemporal();
    const isEmpty = async () => (await this.#ground.left()).length === 0;
    await until('nothing is left', isEmpty, QUIET_SECONDS).catch(() => undefined);
    for (const name of await this.#ground.left()) this.#fail(name, { is: 'left', what: 'it is there at the end' });
    for (const { id, glimpse } of eyes.stragglers) for (const offence of straggled(glimpse)) this.#fail(id, offence);
    if (steady.ending !== undefined && !this.#gaveUp) this.#fail(STEADY, { is: 'ended', what: steady.ending });
    if (!(await bystander.isUntouched())) this.#fail('bystander', { is: 'touched', what: 'it is not as it was' });
  }

  /** Every task has one ending in Temporal's own list, which lags, and it is the one that was told. */
  async #compareWithTemporal(): Promise<void> {
    const differing = async () => {
      const listed = await this.#listed();
      const ids = Array.from({ length: this.#sent }, (_, number) => idOf(this.#ground, { number }));
      return ids.flatMap((id) => {
        const [told, recorded] = [this.#outcomes.get(id), listed.get(id)];
        return told !== undefined && told === recorded ? [] : [{ id, told, recorded }];
      });
    };
    const agrees = async () => (await differing()).length === 0;
    await until("Temporal's list agrees", agrees, 60).catch(() => undefined);
    for (const { id, told, recorded } of await differing())
      this.#fail(id, {
        is: 'lost',
        what: `told ${told ?? 'nothing'}, and Temporal has it as ${recorded ?? 'unknown'}`,
      });
  }

  async #listed(): Promise<ReadonlyMap<string, string>> {
    const { client, namespace } = this.#ground.stage;
    const listed = new Map<string, string>();
    const query = `TaskQueue = '${namespace}'`;
    for await (const { workflowId, status } of client.temporal.workflow.list({ query }))
      listed.set(workflowId, RECORDED[status.name] ?? status.name);
    return listed;
  }

  #fail(id: string, offence: Offence): void {
    const failure = { id, ...offence };
    this.#failures.push(failure);
    this.#options.onFailure(failure);
  }

  #tell({ samples }: Meter): void {
    const hits = (target: Target) => this.#hits.filter((hit) => hit.target === target).length;
    this.#options.tell(
      [
        `${Math.round(this.#seconds)} s`,
        `${this.#sent} tasks, ${(this.#told / this.#seconds).toFixed(1)} a second, ${this.#open} open`,
        `${this.#failures.length} failures`,
        `${Math.round(samples.at(-1)?.megabytes ?? 0)} MB`,
        `${hits('worker')} workers killed, ${hits('API server')} restarts of the API server`,
      ].join('; '),
    );
  }
}

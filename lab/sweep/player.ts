/** Plays one case against a running product: the faults at its requests, the cancel at its moment, then the look. */
import type { HoldfastClient } from '../../src/client.ts';
import type { CancelAnswer } from '../../src/contract.ts';
import type { SeenRequest } from '../proxy/classify.ts';
import type { Fault } from '../proxy/fault-proxy.ts';
import { Gate } from '../proxy/gate.ts';
import type { Schedule } from './schedule.ts';

export class Player {
  readonly taskId: string;
  readonly #client: HoldfastClient;
  readonly #schedule: Schedule;
  readonly #cancelAsked = new Gate();
  readonly #onWay = new Map<SeenRequest, number>();
  #position = 0;
  #cancelAfter: SeenRequest | undefined;
  #cancelSent = false;

  constructor(client: HoldfastClient, taskId: string, schedule: Schedule) {
    this.#client = client;
    this.taskId = taskId;
    this.#schedule = schedule;
    if (schedule.cancel !== undefined && 'afterMs' in schedule.cancel)
      setTimeout(() => void this.cancelNow(), schedule.cancel.afterMs);
  }

  /** How many requests of the task were seen. */
  get requests(): number {
    return this.#position;
  }

  /** Whether the cancel's moment came. */
  get cancelSent(): boolean {
    return this.#cancelSent;
  }

  /** Requests of the task that have not come to their end yet, in words. */
  get onWay(): readonly string[] {
    return [...this.#onWay].map(([request, position]) => `request ${position}, ${request.verb} ${request.kind}`);
  }

  async onRequest(request: SeenRequest): Promise<Fault> {
    this.#position += 1;
    const position = this.#position;
    this.#onWay.set(request, position);
    const { cancel } = this.#schedule;
    if (cancel !== undefined && 'at' in cancel && cancel.at === position) {
      if (cancel.moment === 'before') await this.cancelNow();
      if (cancel.moment === 'during') void this.cancelNow();
      if (cancel.moment === 'after') this.#cancelAfter = request;
    }
    return this.#schedule.faultAt(position);
  }

  onAnswered(request: SeenRequest): void {
    if (request === this.#cancelAfter) void this.cancelNow();
  }

  onSettled(request: SeenRequest): void {
    this.#onWay.delete(request);
  }

  /** Waits for the end; gives the cancel's answer, if there was a cancel. */
  async end(): Promise<CancelAnswer | undefined> {
    // Whoever was never cancelled still gets what was held back, later than any deadline of the product's.
    const release = setTimeout(this.#schedule.late.open, 4_000);
    const ended = this.#client.result(this.taskId).then(() => 'ended' as const);
    const first = await Promise.race([ended, this.#cancelAsked.opened.then(() => 'asked' as const)]);
    if (first === 'asked') clearTimeout(release);
    const answer = first === 'asked' ? await this.#client.cancel(this.taskId) : undefined;
    await ended;
    clearTimeout(release);
    return answer;
  }

  /** What was held back arrives now, after the answer. */
  letGo(): void {
    this.#schedule.late.open();
  }

  async cancelNow(): Promise<void> {
    if (this.#cancelSent) return;
    this.#cancelSent = true;
    // Accepted means durable at Temporal; the answer is waited for in `end`.
    const accepted = await this.#client.cancel(this.taskId, { wait: false, reason: 'sweep' }).catch(() => undefined);
    if (accepted !== undefined) this.#cancelAsked.open();
  }
}

/** Tasks over the HTTP API of a gateway. It needs nothing but `fetch`, so it runs in a browser, too. */
import { answerOf } from '../../cancel-answer.ts';
import { type CancelAnswer, LIMITS, type Task } from '../../contract.ts';
import type { WireCancel } from '../../gateway/wire/cancel.ts';
import type { WireKill } from '../../gateway/wire/kill.ts';
import type { WireStarted } from '../../gateway/wire/start.ts';
import type { WirePage, WireResult, WireTask } from '../../gateway/wire/task.ts';
import type { KillOptions, KillReport } from '../../kill/contract.ts';
import type { ContainerLine } from '../../logs/container-lines.ts';
import type { TaskView } from '../../task-view.ts';
import type {
  Abortable,
  CancelOptions,
  ListOptions,
  LogOptions,
  StartedTask,
  StartOptions,
  TaskClient,
  TaskEvent,
  TaskOutcome,
} from '../task-client.ts';
import { unlessUnknown } from '../unless-unknown.ts';
import { follow, linesIn } from './event-stream.ts';
import { eventFrom, outcomeFrom, reportFrom, viewFrom } from './from-wire.ts';
import { Gateway, type HttpClientOptions } from './gateway.ts';

/** The most that one page has. */
const PAGE = 200;
/** How long one request may wait for a cancel's proof: less than proxies allow. Seconds. */
const WAIT = 30;
/** Beyond what the gateway may take for a wait of its own. Milliseconds. */
const SLACK_MS = 30_000;
/** What a kill takes besides the time that the nodes are given, or with the usual one. Milliseconds. */
const KILL_MS = 120_000;

export class HoldfastHttpClient implements TaskClient {
  readonly #gateway: Gateway;

  constructor(options: HttpClientOptions) {
    this.#gateway = new Gateway(options);
  }

  async close(): Promise<void> {}

  async start(input: Task, { id, priority, signal }: StartOptions = {}): Promise<StartedTask> {
    // With an id of ours it may be asked again when the answer is lost.
    const named = { id: id ?? `${input.workload}-${crypto.randomUUID()}`, ...(priority !== undefined && { priority }) };
    const body = { ...input, ...named };
    const ask = { method: 'POST', path: '/v1/tasks', body, signal, repeatable: true } as const;
    const { task_id: taskId, run_id: runId, is_new } = await this.#gateway.json<WireStarted>(ask);
    return { taskId, runId, isNew: id === undefined || is_new };
  }

  async describe(taskId: string, { signal }: Abortable = {}): Promise<TaskView> {
    return viewFrom(await this.#gateway.json<WireTask>({ path: pathOf(taskId), signal }));
  }

  async result(taskId: string, { signal }: Abortable = {}): Promise<TaskOutcome> {
    for (;;) {
      const now = await this.#gateway.json<WireResult>({ path: `${pathOf(taskId)}/result`, signal });
      const outcome = outcomeFrom(now);
      if (outcome !== undefined) return outcome;
      for await (const _ of this.events(taskId, { signal }));
    }
  }

  async *events(taskId: string, { signal }: Abortable = {}): AsyncGenerator<TaskEvent, void> {
    for await (const sent of follow(this.#gateway, { path: `${pathOf(taskId)}/events` }, 'outcome', signal)) {
      const event = eventFrom(sent);
      if (event !== undefined) yield event;
    }
  }

  async cancel(taskId: string, { reason = '', wait = true, signal }: CancelOptions = {}): Promise<CancelAnswer> {
    const told = await this.#requestCancel(taskId, reason, wait ? WAIT : 0, signal);
    if (told === undefined) return 'unknown_task';
    if (told.status === 'cancelled') return answerOf({ outcome: 'cancelled', started: told.started }, 'now');
    if (told.status !== 'cancelling' || !wait) return told.status;
    await this.result(taskId, { signal });
    return answerOf(await this.describe(taskId, { signal }), 'now');
  }

  /** It is not asked for again when the answer is lost: see how the task stands, then decide. */
  async kill(taskId: string, { reason = '', waitSeconds, signal }: KillOptions = {}): Promise<KillReport> {
    const wait = waitSeconds === undefined ? {} : { wait: `${Math.ceil(waitSeconds)}s` };
    const body = { reason: reason.slice(0, LIMITS.reasonLength), ...wait };
    const within = (waitSeconds ?? 0) * 1_000 + KILL_MS;
    const ask = { method: 'POST', path: `${pathOf(taskId)}/kill`, body, signal, within } as const;
    return reportFrom(await this.#gateway.json<WireKill>(ask));
  }

  async *list({ limit = 100, signal }: ListOptions = {}): AsyncGenerator<TaskView, void> {
    let next: string | null = null;
    for (let left = limit; left > 0;) {
      const query = { limit: String(Math.min(left, PAGE)), ...(next !== null && { page_token: next }) };
      const page: WirePage = await this.#gateway.json<WirePage>({ path: '/v1/tasks', query, signal });
      const tasks = page.tasks.slice(0, left);
      yield* tasks.map(viewFrom);
      left -= tasks.length;
      next = page.next_page_token;
      if (next === null) return;
    }
  }

  async *logs(
    taskId: string,
    { follow: isFollowing = false, signal }: LogOptions = {},
  ): AsyncGenerator<ContainerLine, void> {
    const path = `${pathOf(taskId)}/logs`;
    if (isFollowing) {
      let any = false;
      for await (const { event, data } of follow(this.#gateway, { path, query: { follow: 'true' } }, 'end', signal)) {
        if (event !== 'line') continue;
        any = true;
        yield data as ContainerLine;
      }
      if (any) return;
    }
    // Of a task that wrote nothing, this says whether that is known.
    const body = await this.#gateway.stream({ path, signal });
    if (body !== undefined) yield* linesIn(body) as AsyncGenerator<ContainerLine>;
  }

  /** Undefined of a task that is not known. */
  async #requestCancel(taskId: string, reason: string, wait: number, signal: AbortSignal | undefined) {
    const query = { wait: `${wait}s` };
    const body = { reason: reason.slice(0, LIMITS.reasonLength) };
    const within = wait * 1_000 + SLACK_MS;
    const ask = {
      method: 'POST',
      path: `${pathOf(taskId)}/cancel`,
      query,
      body,
      signal,
      within,
      repeatable: true,
    } as const;
    return unlessUnknown(this.#gateway.json<WireCancel>(ask));
  }
}

function pathOf(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`;
}

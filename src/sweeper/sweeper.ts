/**
 * Look, ask, judge, remove: level-based, so it may be interrupted, repeated, and run by several processes at once. What
 * it remembers from one look to the next is only whom it suspects; without that memory it is slower, and not wrong.
 */
import type { Client } from '@temporalio/client';
import type { RemoveOptions } from '../activities/remove-run.ts';
import type { NamedRun } from '../activities/world.ts';
import { HoldfastError } from '../errors.ts';
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import { paced } from '../paced.ts';
import { askStanding, listedOpen, type TaskStanding } from '../task-standing.ts';
import { namespaceId } from '../temporal-namespace.ts';
import { findRuns } from './find.ts';
import { type FoundRun, isTooMany, judge, keptUnasked, type Reason, type SweepRules, type Verdict } from './judge.ts';
import { KEPT_NONE, type Orphan, refusalOf, type SweepReport } from './report.ts';

export interface SweeperDeps {
  readonly api: Pick<JobsApi, 'listMarks'>;
  readonly client: Client;
  /** Whose tasks Temporal is asked to list; tasks of others are asked about one by one. */
  readonly taskQueue: string;
  /** How a run goes: by the loop of release, with its output kept or not. */
  readonly remove: (
    run: NamedRun,
    namespaceId: string,
    signal: AbortSignal,
    options: RemoveOptions,
  ) => Promise<unknown>;
  /** Whether this process follows or releases the run: it hears from Temporal when that forgets its task, or acts already. */
  readonly isTended?: (run: string) => boolean;
  readonly rules: Omit<SweepRules, 'ownNamespaceId'>;
  readonly dryRun?: boolean;
  /** Whether it asks about each run by itself, whoever says that its task is open: for a sweep that is not done again soon. */
  readonly isThorough?: boolean;
  /** UUID of the Temporal namespace; the first look learns it if it is not given. */
  readonly temporalNamespaceId?: string;
}

/** Temporal is asked for each suspicious task by itself, because its lists lag behind; so it is not asked too fast. */
const ASKING = { perSecond: 50, atOnce: 10 } as const;
/** Where so many would be asked about, a list says first of whom not to ask. */
const LISTED_FROM = 200;
/** How long an answer of Temporal's may take. Milliseconds. */
const ANSWER_MS = 5_000;
/** Of those that are believed to be open Temporal is asked, too, of each at every so manieth look at all, and of no more at one. */
const ASKED_ANYWAY = { every: 10, most: 300 } as const;
/** Those that cannot go wait beside those that can. */
const REMOVING = { perSecond: 20, atOnce: 1_000 } as const;
/** How long one run may take to go before the sweep leaves it to the next. Milliseconds. */
const REMOVE_MS = 60_000;

interface Judged {
  readonly found: FoundRun;
  readonly verdict: Verdict;
}

interface Suspect extends FoundRun {
  readonly reason: Reason;
  readonly looks: 1 | 2;
}

type Outcome = { readonly orphan: Orphan; readonly because?: string };
type Looked = Omit<SweepReport, 'at' | 'seconds' | 'looked' | 'dryRun'>;
const NOTHING: Looked = { runs: 0, kept: KEPT_NONE, suspects: [], removed: [], unfinished: [] };

export class Sweeper {
  readonly #deps: SweeperDeps;
  #namespaceId: string | undefined;
  #suspects: ReadonlyMap<string, Suspect> = new Map();
  #soon: ReadonlySet<string> = new Set();
  #looks = 0;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
    this.#namespaceId = deps.temporalNamespaceId;
  }

  /** Runs that are worth another look soon: they were too young, or suspected for the first time. */
  get soon(): ReadonlySet<string> {
    return this.#soon;
  }

  /** Never throws but when aborted: whatever goes wrong is a refusal, and nothing was removed. */
  async look(at: 'all' | ReadonlySet<string>, signal: AbortSignal): Promise<SweepReport> {
    const [began, since] = [new Date(), performance.now()];
    const looked = await this.#look(at, signal).catch((error: unknown): Looked => {
      signal.throwIfAborted();
      this.#forget();
      return { ...NOTHING, refused: refusalOf(error) };
    });
    return {
      at: began.toISOString(),
      seconds: Math.round(performance.now() - since) / 1_000,
      looked: at === 'all' ? 'at all' : 'soon',
      dryRun: this.#deps.dryRun ?? false,
      ...looked,
    };
  }

  async #look(at: 'all' | ReadonlySet<string>, signal: AbortSignal): Promise<Looked> {
    const rules = { ...this.#deps.rules, ownNamespaceId: await this.#ownNamespace() };
    // What was listed before Temporal answers cannot belong to a run that is younger than the answer.
    const { runs, strangers } = await findRuns(this.#deps.api, signal);
    const looked = at === 'all' ? runs : runs.filter(({ run }) => at.has(run));
    const judged = await this.#judge(looked, rules, signal);
    if (at === 'all') this.#looks += 1;
    this.#remember(runs, judged);
    const told = { ...NOTHING, runs: judged.length, kept: keptBy(judged, strangers) };
    const own = runs.filter(({ temporalNamespaceId }) => temporalNamespaceId === rules.ownNamespaceId);
    if (isTooMany(this.#suspects.size, own.length, rules)) {
      const suspects = this.#shownSuspects();
      this.#forget();
      return { ...told, suspects, refused: refusalOf(tooMany(suspects.length, own.length, rules)) };
    }
    const due = judged.filter(({ verdict }) => verdict.do === 'remove');
    if (this.#deps.dryRun || due.length === 0) return { ...told, suspects: this.#shownSuspects() };
    return { ...told, ...(await this.#removeAll(due, rules.ownNamespaceId, signal)) };
  }

  async #judge(runs: readonly FoundRun[], rules: SweepRules, signal: AbortSignal): Promise<readonly Judged[]> {
    const judged = runs.filter((found) => keptUnasked(found, rules) === undefined);
    const believed = await this.#believed(judged, signal);
    const taskIds = [...new Set(judged.filter((found) => !believed.has(found)).map(({ taskId }) => taskId))];
    const answers = await paced(taskIds, ASKING, async (id) => [id, await this.#ask(id)] as const, signal);
    const standings = new Map(answers);
    return runs.map((found) => {
      const standing = believed.has(found) ? 'open' : (standings.get(found.taskId) ?? 'unknown');
      return { found, verdict: judge(found, standing, rules, this.#suspects.get(found.run)) };
    });
  }

  /** Of whom Temporal need not be asked this time: this process tends them, or Temporal's list has them as open. */
  async #believed(runs: readonly FoundRun[], signal: AbortSignal): Promise<ReadonlySet<FoundRun>> {
    if (this.#deps.isThorough === true) return new Set();
    const isTended = ({ run }: FoundRun) => this.#deps.isTended?.(run) === true;
    const others = runs.filter((found) => !isTended(found));
    const open = others.length < LISTED_FROM ? new Set<string>() : await this.#listedOpen(signal);
    const isBelieved = (found: FoundRun) =>
      !this.#suspects.has(found.run) && (isTended(found) || open.has(found.taskId));
    const believed = runs.filter((found) => isBelieved(found));
    const { every, most } = ASKED_ANYWAY;
    const turns = Math.max(every, Math.ceil(believed.length / most));
    return new Set(believed.filter((_, index) => (index + this.#looks) % turns !== 0));
  }

  /** Without a list, of everybody is asked. */
  async #listedOpen(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { client, taskQueue } = this.#deps;
    try {
      return await listedOpen(client, taskQueue, (ask) => client.withDeadline(Date.now() + ANSWER_MS, ask), signal);
    } catch {
      signal.throwIfAborted();
      return new Set();
    }
  }

  async #removeAll(due: readonly Judged[], own: string, signal: AbortSignal): Promise<Partial<Looked>> {
    // Once more before anything goes: it is still the same Temporal that answers.
    await this.#ownNamespace();
    const outcomes = await paced(due, REMOVING, ({ found }) => this.#remove(found, own, signal), signal);
    const gone = new Set(due.map(({ found }) => found.run));
    this.#suspects = new Map([...this.#suspects].filter(([run]) => !gone.has(run)));
    const told = outcomes.flatMap((outcome) => outcome ?? []);
    return {
      suspects: this.#shownSuspects(),
      removed: told.flatMap(({ orphan, because }) => (because === undefined ? [orphan] : [])),
      unfinished: told.flatMap(({ orphan, because }) => (because === undefined ? [] : [{ ...orphan, because }])),
    };
  }

  /** Undefined: it was not for us to remove any more. */
  async #remove({ uids, ...found }: FoundRun, own: string, signal: AbortSignal): Promise<Outcome | undefined> {
    const kinds = new Set<Orphan['kinds'][number]>();
    const { taskId, runId, run } = found;
    let reason: Reason = 'task closed';
    const options: RemoveOptions = {
      only: new Set(uids),
      before: (step, { pods }) => {
        if (step.do === 'delete anchor') kinds.add('anchor');
        if (step.do === 'delete job') kinds.add('job');
        if (pods.length > 0) kinds.add('pods');
      },
    };
    const orphan = () => ({ run, taskId, reason, kinds: [...kinds] });
    try {
      // A Reset may have opened the task since it was judged.
      const standing = await this.#ask(taskId);
      if (standing === 'open' || standing === 'unknown') return undefined;
      reason = `task ${standing}`;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REMOVE_MS)]);
      await this.#deps.remove({ taskId, runId, name: run }, own, limit, options);
      return kinds.size > 0 ? { orphan: orphan() } : undefined;
    } catch (error) {
      signal.throwIfAborted();
      return { orphan: orphan(), because: error instanceof Error ? error.message : String(error) };
    }
  }

  #ask(taskId: string): Promise<TaskStanding> {
    const { client } = this.#deps;
    return client.withDeadline(Date.now() + ANSWER_MS, () => askStanding(client, taskId));
  }

  /** Of every look: Temporal answers, knows the namespace, and it is the one that we began with. */
  async #ownNamespace(): Promise<string> {
    const { client } = this.#deps;
    const id = await client.withDeadline(Date.now() + ANSWER_MS, () => namespaceId(client));
    this.#namespaceId ??= id;
    if (id === this.#namespaceId) return id;
    const { namespace } = client.options;
    throw new HoldfastError(
      'CONFIG_INVALID',
      `Another Temporal answers: namespace ${namespace} was ${this.#namespaceId} and is ${id} now (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE).`,
    );
  }

  #remember(runs: readonly FoundRun[], judged: readonly Judged[]): void {
    const there = new Set(runs.map(({ run }) => run));
    const looked = new Set(judged.map(({ found }) => found.run));
    const others = [...this.#suspects].filter(([run]) => there.has(run) && !looked.has(run));
    const suspects = judged.flatMap(({ found, verdict }): [string, Suspect][] =>
      verdict.do === 'keep'
        ? []
        : [[found.run, { ...found, reason: verdict.reason, looks: verdict.do === 'remove' ? 2 : 1 }]],
    );
    this.#suspects = new Map([...others, ...suspects]);
    const soon = judged.filter(({ verdict }) => verdict.do === 'suspect' || isYoung(verdict));
    this.#soon = new Set(soon.map(({ found }) => found.run));
  }

  #forget(): void {
    this.#suspects = new Map();
    this.#soon = new Set();
  }

  #shownSuspects(): SweepReport['suspects'] {
    return [...this.#suspects.values()].map(({ run, taskId, reason, kinds, looks }) => ({
      run,
      taskId,
      reason,
      kinds,
      looks,
    }));
  }
}

function isYoung(verdict: Verdict): boolean {
  return verdict.do === 'keep' && verdict.because === 'too young';
}

function keptBy(judged: readonly Judged[], strangers: number): SweepReport['kept'] {
  const kept = { ...KEPT_NONE, 'not ours': strangers };
  for (const { verdict } of judged) if (verdict.do === 'keep') kept[verdict.because] += 1;
  return kept;
}

function tooMany(suspects: number, runs: number, { maxPercent }: SweepRules): HoldfastError {
  return new HoldfastError(
    'SWEEP_REFUSED',
    `${suspects} of ${runs} runs have no open task; more than ${maxPercent} % is likelier a mistake than a mess.`,
    { suspects, runs, maxPercent },
  );
}

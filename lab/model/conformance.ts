/**
 * Keeps the model of the API server honest: random traces of requests, with the answers that the model gives, to be
 * replayed on a real API server. Uids and versions are the model's own numbers; the replay keeps what they are in
 * reality. What the garbage collector does is not instant there, so each request waits until the last one's
 * consequences have been seen.
 *
 * Jobs have parallelism 0: they are started and deleted like any other, and make no Pods.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, ApiRequest, Cluster, Job } from './cluster.ts';
import { anchorNamed, apply, EMPTY, jobNamed } from './cluster.ts';
import { BASELINE_HABITS, clusterSteps } from './controllers.ts';

export interface TraceStep {
  readonly request: ApiRequest;
  readonly expect: Answer;
  /** What is there once the garbage collector has nothing left to do. */
  readonly after: Seen;
  /** The versions, in the model, of the Jobs that are there after. */
  readonly versions: Readonly<Record<number, number>>;
}

export interface Seen {
  readonly anchors: readonly { readonly name: string; readonly uid: number }[];
  readonly jobs: readonly { readonly name: string; readonly uid: number; readonly suspended: boolean }[];
}

export function randomTrace(seed: number, length = 12): readonly TraceStep[] {
  const random = randomOf(seed);
  const trace: TraceStep[] = [];
  let cluster: Cluster = EMPTY;
  while (trace.length < length) {
    const request = randomRequest(random, cluster);
    const { cluster: applied, answer } = apply(cluster, request);
    cluster = collected(applied);
    const versions = Object.fromEntries(cluster.jobs.map((job) => [job.uid, job.version]));
    trace.push({ request, expect: answer, after: seenIn(cluster), versions });
  }
  return trace;
}

/** The garbage collector until it rests. Without Pods its order does not matter. */
function collected(cluster: Cluster): Cluster {
  let next: Cluster | undefined;
  const habits = { ...BASELINE_HABITS, podsPerJob: 0 };
  clusterSteps(cluster, habits, 'told', (_label, found) => (next ??= found));
  return next === undefined ? { ...cluster, ghosts: [] } : collected({ ...next, ghosts: [] });
}

function seenIn({ anchors, jobs }: Cluster): Seen {
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);
  return {
    anchors: anchors.map(({ name, uid }) => ({ name, uid })).sort(byName),
    jobs: jobs.map(({ name, uid, suspended }) => ({ name, uid, suspended })).sort(byName),
  };
}

// --- Random requests --------------------------------------------------------------------------------------------------

type Random = (below: number) => number;

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomRequest(random: Random, cluster: Cluster): ApiRequest {
  const standing = cluster.jobs[random(cluster.jobs.length + 1)];
  const name = standing?.name ?? (random(4) === 0 ? 'K' : 'J');
  const job = jobNamed(cluster, name);
  // Two runs of a task have an anchor each.
  const of = random(4) === 0 ? 'B' : 'A';
  const anchor = anchorNamed(cluster, of)?.uid ?? 0;
  // Most of what is interesting happens to a Job whose anchor is there.
  if (anchor === 0 && random(2) === 0) return { verb: 'create anchor', name: of, armed: random(2) === 0 };
  switch (random(9)) {
    case 0:
      return { verb: 'create anchor', name: of, armed: random(2) === 0 };
    case 1:
      return { verb: 'arm anchor', name: of, uid: someUid(random, anchor, cluster.lastUid) };
    case 2:
      return { verb: 'delete anchor', name: of, uid: someUid(random, anchor, cluster.lastUid) };
    case 3:
    case 4: {
      // An owner's uid that is gone is what a late create carries.
      const owner = random(5) === 0 ? 0 : someUid(random, anchor, cluster.lastUid);
      // A reference names its owner, too: always the one that has the uid, if any has.
      const mounts = cluster.anchors.find(({ uid }) => uid === owner)?.name ?? of;
      return { verb: 'create job', name, owner, mounts, suspended: random(4) > 0, foreign: false };
    }
    case 5:
    case 6:
      return { verb: 'start job', name, ...precondition(random, job, cluster.lastUid) };
    default: {
      const propagation = random(3) === 0 ? 'Background' : 'Foreground';
      return { verb: 'delete job', name, ...precondition(random, job, cluster.lastUid), propagation };
    }
  }
}

/** Mostly the right one; else one that was given to something once. */
function someUid(random: Random, right: number, last: number): number {
  if (right !== 0 && random(3) > 0) return right;
  return last === 0 ? 1 : 1 + random(last);
}

function precondition(random: Random, job: Job | undefined, last: number): { uid: number; version: number } {
  const uid = someUid(random, job?.uid ?? 0, last);
  if (job === undefined || uid !== job.uid) return { uid, version: 0 };
  const stale = job.version > 1 && random(3) === 0;
  return { uid, version: stale ? job.version - 1 : job.version };
}

// --- Replay -----------------------------------------------------------------------------------------------------------

/** A real API server, as far as a replay needs it. Uids and versions are the server's own; '' for none. */
export interface Driver {
  readonly send: (request: ApiRequest, real: RealNames) => Promise<{ readonly code: number; readonly uid: string }>;
  readonly look: () => Promise<RealSeen>;
}

export interface RealNames {
  readonly uid: string;
  readonly version: string;
  readonly owner: string;
}

export interface RealSeen {
  readonly anchors: readonly { readonly name: string; readonly uid: string }[];
  readonly jobs: readonly {
    readonly name: string;
    readonly uid: string;
    readonly version: string;
    readonly suspended: boolean;
  }[];
}

export interface Difference {
  readonly step: number;
  readonly request: ApiRequest;
  readonly expected: unknown;
  readonly found: unknown;
}

/** A uid that nothing has: for a model uid that the server never gave out. */
const NOBODY = '00000000-0000-4000-8000-000000000000';
const SETTLE_MS = 20_000;
const LOOK_MS = 25;

/** The first difference between the model and the server, or undefined. */
export async function replay(
  trace: readonly TraceStep[],
  driver: Driver,
  settleMs = SETTLE_MS,
): Promise<Difference | undefined> {
  const real = { uids: new Map<number, string>([[0, '']]), versions: new Map<string, string>() };
  for (const [step, { request, expect, after, versions }] of trace.entries()) {
    const answer = await sendUntilFair(driver, request, expect, real);
    if (answer.code !== expect.code) return { step, request, expected: expect, found: answer };
    if (expect.uid !== 0) real.uids.set(expect.uid, answer.uid);
    const found = await settled(driver, after, real.uids, settleMs);
    if (!same(found, after, real.uids)) return { step, request, expected: after, found };
    for (const job of found.jobs) {
      const uid = after.jobs.find(({ name }) => name === job.name)?.uid ?? 0;
      real.versions.set(`${uid}@${versions[uid]}`, job.version);
    }
  }
  return undefined;
}

interface Real {
  readonly uids: ReadonlyMap<number, string>;
  readonly versions: Map<string, string>;
}

/** The Job controller's own status writes move versions, which the model's "current" does not mean: look, try again. */
async function sendUntilFair(driver: Driver, request: ApiRequest, expect: Answer, real: Real) {
  for (let tried = 1; ; tried += 1) {
    const answer = await driver.send(request, namesOf(request, real));
    if (answer.code !== 409 || expect.code === 409 || !('version' in request) || tried === 5) return answer;
    const job = (await driver.look()).jobs.find(({ name }) => name === request.name);
    if (job !== undefined) real.versions.set(`${request.uid}@${request.version}`, job.version);
  }
}

function namesOf(request: ApiRequest, { uids, versions }: Real): RealNames {
  const uidOf = (uid: number) => uids.get(uid) ?? NOBODY;
  return {
    uid: 'uid' in request ? uidOf(request.uid) : '',
    owner: 'owner' in request ? uidOf(request.owner) : '',
    version:
      'version' in request && request.version !== 0 ? (versions.get(`${request.uid}@${request.version}`) ?? '1') : '',
  };
}

async function settled(
  driver: Driver,
  after: Seen,
  uids: ReadonlyMap<number, string>,
  settleMs: number,
): Promise<RealSeen> {
  const until = Date.now() + settleMs;
  for (;;) {
    const found = await driver.look();
    if (same(found, after, uids) || Date.now() > until) return found;
    await sleep(LOOK_MS);
  }
}

function same(found: RealSeen, after: Seen, uids: ReadonlyMap<number, string>): boolean {
  const anchors = after.anchors.map(({ name, uid }) => `${name} ${uids.get(uid)}`);
  const foundAnchors = found.anchors.map(({ name, uid }) => `${name} ${uid}`);
  const jobs = after.jobs.map(({ name, uid, suspended }) => `${name} ${uids.get(uid)} ${suspended}`);
  const foundJobs = found.jobs.map(({ name, uid, suspended }) => `${name} ${uid} ${suspended}`);
  return anchors.join() === foundAnchors.toSorted().join() && jobs.join() === foundJobs.toSorted().join();
}

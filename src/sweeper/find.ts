/** What is ours: every run that has an anchor or a Job, and nothing that only looks like one. */
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { ANNOTATION, LABEL, MANAGED_BY, taskLabel } from '../fence.ts';
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import type { Marks } from '../kubernetes/request-options.ts';
import type { FoundRun } from './judge.ts';

export interface Found {
  readonly runs: readonly FoundRun[];
  /** Objects that carry our label and are not ours. */
  readonly strangers: number;
}

interface Marked {
  readonly kind: 'anchor' | 'job';
  readonly uid: string;
  readonly owner: string | undefined;
  readonly createdAt: number;
  readonly marks: Omit<FoundRun, 'uids' | 'kinds' | 'ageSeconds'>;
}

export async function findRuns(api: Pick<JobsApi, 'listMarks'>, signal: AbortSignal): Promise<Found> {
  return runsOf(await api.listMarks(`${LABEL.managedBy}=${MANAGED_BY}`, signal));
}

/** Ages are by the API server's clock, as the times of creation are: no clock of ours has a say. */
export function runsOf({ anchors, jobs, at }: Marks): Found {
  const ourAnchors = anchors.flatMap((metadata) => marked('anchor', metadata) ?? []);
  const uidOf = new Map(ourAnchors.map(({ marks, uid }) => [marks.run, uid]));
  const ourJobs = jobs
    .flatMap((metadata) => marked('job', metadata) ?? [])
    .filter(({ marks, owner }) => {
      const anchor = uidOf.get(marks.run);
      return owner !== undefined && (anchor === undefined || anchor === owner);
    });
  const ours = [...ourAnchors, ...ourJobs];
  const byRun = Map.groupBy(ours, ({ marks }) => JSON.stringify(marks));
  return {
    runs: [...byRun.values()].map((objects) => runOf(objects, at.getTime())),
    strangers: anchors.length + jobs.length - ours.length,
  };
}

function runOf(objects: readonly Marked[], at: number): FoundRun {
  const [first] = objects;
  if (first === undefined) throw new TypeError('a run has at least one object');
  return {
    ...first.marks,
    uids: objects.map(({ uid }) => uid).toSorted(),
    kinds: objects.map(({ kind }) => kind),
    ageSeconds: (at - Math.max(...objects.map(({ createdAt }) => createdAt))) / 1_000,
  };
}

/** All marks, and they agree with each other: a label alone, or a copy under another name, makes nothing ours. */
function marked(kind: 'anchor' | 'job', metadata: V1ObjectMeta): Marked | undefined {
  const { name: run, uid, labels = {}, annotations = {}, ownerReferences, creationTimestamp } = metadata;
  const { [ANNOTATION.taskId]: taskId, [ANNOTATION.runId]: runId } = annotations;
  const temporalNamespaceId = annotations[ANNOTATION.temporalNamespaceId];
  if (run === undefined || uid === undefined) return undefined;
  if (taskId === undefined || runId === undefined || temporalNamespaceId === undefined) return undefined;
  if (labels[LABEL.managedBy] !== MANAGED_BY || labels[LABEL.run] !== run) return undefined;
  if (labels[LABEL.task] !== taskLabel(temporalNamespaceId, taskId)) return undefined;
  const owner = ownerReferences?.find((reference) => reference.kind === 'ConfigMap' && reference.name === run)?.uid;
  const createdAt = new Date(creationTimestamp ?? Number.NaN).getTime();
  return { kind, uid, owner, createdAt, marks: { run, taskId, runId, temporalNamespaceId } };
}

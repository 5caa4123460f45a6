/** Pure: what so many tasks at the same time need, from what one was measured to cost. */
import type { Measured } from '../result.ts';
import { assumed } from './assumed.ts';

/** What one task costs, as measured; memory in megabytes. */
export interface Costs {
  readonly idleMemory: number;
  readonly memory: number;
  /** For a task of the same namespace that another worker follows. */
  readonly watchedMemory: number;
  /** Requests and events of one life. */
  readonly kubernetes: number;
  readonly temporal: number;
  readonly events: number;
}

export interface Needs {
  readonly tasks: number;
  /** Tasks that start, and that end, in a second. */
  readonly turnover: number;
  readonly workers: number;
  readonly namespaces: number;
  readonly clusters: number;
  /** Megabytes of one worker, and gigabytes of all. */
  readonly workerMemory: number;
  readonly memory: number;
  /** A second. */
  readonly heartbeats: number;
  readonly temporal: number;
  readonly actions: number;
  readonly shards: number;
  /** A second, of each cluster. */
  readonly kubernetes: number;
  readonly changes: number;
  /** Of each cluster. */
  readonly logStreams: number;
  readonly etcdBytes: number;
  readonly strains: readonly Strain[];
}

/** How much of what it can take is asked of a part; above 1 it breaks. */
export interface Strain {
  readonly part: string;
  readonly share: number;
}

const WATCHES_PER_WORKER = 2;

/** Undefined while something of it was not measured. */
export function costsOf(measured: readonly Measured[]): Costs | undefined {
  const of = (key: string) => measured.find((one) => one.key === key)?.ours.value ?? Number.NaN;
  const costs = {
    idleMemory: of('memory-idle'),
    memory: of('memory'),
    watchedMemory: of('memory-watched'),
    kubernetes: of('kubernetes-succeeded'),
    temporal: of('temporal-succeeded'),
    events: of('events-succeeded'),
  };
  return Object.values(costs).some(Number.isNaN) ? undefined : costs;
}

export function needsOf(tasks: number, costs: Costs): Needs {
  const turnover = tasks / assumed('life');
  const workers = Math.ceil(tasks / assumed('tasksPerWorker'));
  const namespaces = Math.ceil(tasks / assumed('tasksPerNamespace'));
  const clusters = Math.ceil(tasks / assumed('podsPerCluster'));
  const heartbeats = tasks / assumed('heartbeat');
  const ownMemory = assumed('tasksPerWorker') * (costs.memory - costs.watchedMemory);
  const workerMemory = costs.idleMemory + ownMemory + assumed('tasksPerNamespace') * costs.watchedMemory;
  // A heartbeat writes the task's state, an event of its history does, too.
  const writes = heartbeats + turnover * costs.events;
  const kubernetes = ((2 * tasks) / assumed('freshLook') + turnover * costs.kubernetes) / clusters;
  const watchersOfOne = (assumed('tasksPerNamespace') / assumed('tasksPerWorker')) * WATCHES_PER_WORKER;
  const needs = {
    tasks,
    turnover,
    workers,
    namespaces,
    clusters,
    workerMemory,
    memory: (workers * workerMemory) / 1_000,
    heartbeats,
    temporal: heartbeats + turnover * costs.temporal,
    actions: heartbeats + turnover * assumed('actions'),
    shards: Math.ceil(writes / assumed('writesPerShard')),
    kubernetes,
    changes: ((turnover / clusters) * assumed('changesPerLife') * watchersOfOne) / WATCHES_PER_WORKER,
    logStreams: tasks / clusters,
    etcdBytes: (tasks / clusters) * assumed('etcdBytes'),
  };
  return { ...needs, strains: strainsOf(needs) };
}

/** The greatest first: it breaks first. */
function strainsOf(needs: Omit<Needs, 'strains'>): readonly Strain[] {
  const strains: readonly Strain[] = [
    { part: 'Pods of one cluster, with no second one', share: needs.tasks / assumed('podsPerCluster') },
    { part: 'actions of a Temporal Cloud namespace', share: needs.actions / assumed('actionsLimit') },
    { part: 'Pods that a Job controller makes', share: needs.turnover / needs.clusters / assumed('podsPerSecond') },
    { part: 'requests to an API server', share: needs.kubernetes / assumed('apiRequests') },
    { part: 'changes that an API server sends to watches', share: needs.changes / assumed('changesSent') },
    { part: 'the size of etcd', share: needs.etcdBytes / assumed('etcdLimit') },
  ];
  return strains.toSorted((a, b) => b.share - a.share);
}

/** Kueue in front: it admits Jobs one after the other, and a Job that waits for it is suspended, as ours are at birth. */
export function queueOf(tasks: number): { readonly fillSeconds: number; readonly shortestLife: number } {
  const clusters = Math.ceil(tasks / assumed('podsPerCluster'));
  const perCluster = tasks / clusters;
  return { fillSeconds: perCluster / assumed('admissions'), shortestLife: perCluster / assumed('admissions') };
}

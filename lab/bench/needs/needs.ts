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
  /** Each worker is one, and there is one besides for each namespace. */
  readonly sweepers: number;
  /** Megabytes of one worker, and gigabytes of all. */
  readonly workerMemory: number;
  readonly memory: number;
  /** A second. */
  readonly temporal: number;
  readonly heartbeats: number;
  /** Of the sweepers: all of their requests, and those of them that Temporal's lists are asked by. */
  readonly sweeping: number;
  readonly lists: number;
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
  const layout = layoutOf(tasks);
  const { turnover, clusters } = layout;
  const heartbeats = tasks / assumed('heartbeat');
  const { sweeping, lists } = sweepingOf(tasks, layout);
  const ownMemory = assumed('tasksPerWorker') * (costs.memory - costs.watchedMemory);
  const workerMemory = costs.idleMemory + ownMemory + assumed('tasksPerNamespace') * costs.watchedMemory;
  // A heartbeat writes the task's state, an event of its history does, too.
  const writes = heartbeats + turnover * costs.events;
  const kubernetes = ((2 * tasks) / assumed('freshLook') + turnover * costs.kubernetes) / clusters;
  const needs = {
    tasks,
    ...layout,
    workerMemory,
    memory: (layout.workers * workerMemory) / 1_000,
    heartbeats,
    sweeping,
    lists,
    temporal: heartbeats + sweeping + turnover * costs.temporal,
    actions: heartbeats + turnover * assumed('actions'),
    shards: Math.ceil(writes / assumed('writesPerShard')),
    kubernetes,
    // Each sweeper has the watches of its namespace.
    changes: ((turnover / clusters) * assumed('changesPerLife') * layout.sweepers) / layout.namespaces,
    logStreams: tasks / clusters,
    etcdBytes: (tasks / clusters) * assumed('etcdBytes'),
  };
  return { ...needs, strains: strainsOf(needs) };
}

type Layout = Pick<Needs, 'turnover' | 'workers' | 'namespaces' | 'clusters' | 'sweepers'>;

function layoutOf(tasks: number): Layout {
  const workers = Math.ceil(tasks / assumed('tasksPerWorker'));
  const namespaces = Math.ceil(tasks / assumed('tasksPerNamespace'));
  const clusters = Math.ceil(tasks / assumed('podsPerCluster'));
  return { turnover: tasks / assumed('life'), workers, namespaces, clusters, sweepers: workers + namespaces };
}

/**
 * Each sweeper has the open tasks of its queue listed, of which each namespace has one, asks about some of them all the
 * same, and about each that is new and that it does not follow.
 */
function sweepingOf(tasks: number, { turnover, namespaces, sweepers }: Layout): Pick<Needs, 'sweeping' | 'lists'> {
  const lists = (sweepers * Math.ceil(tasks / namespaces / assumed('listed'))) / assumed('sweep');
  const anyway = (sweepers * assumed('asked')) / assumed('sweep');
  return { lists, sweeping: lists + anyway + turnover * (sweepers / namespaces - 1) };
}

/** The greatest first: it breaks first. */
function strainsOf(needs: Omit<Needs, 'strains'>): readonly Strain[] {
  const { clusters } = needs;
  const starts = needs.turnover / clusters;
  const strains: readonly Strain[] = [
    { part: 'visibility requests to a Temporal Cloud namespace', share: needs.lists / assumed('listsLimit') },
    { part: 'actions of a Temporal Cloud namespace', share: needs.actions / assumed('actionsLimit') },
    { part: 'requests to a Temporal Cloud namespace', share: needs.temporal / assumed('requestsLimit') },
    { part: 'history shards of a self-hosted Temporal', share: needs.shards / assumed('shards') },
    { part: 'Pods of one cluster, with no second one', share: needs.tasks / assumed('podsPerCluster') },
    { part: 'Jobs that Kueue starts, where it is in front', share: starts / assumed('admissions') },
    { part: 'Pods that a Job controller makes', share: starts / assumed('podsPerSecond') },
    { part: 'requests to an API server', share: needs.kubernetes / assumed('apiRequests') },
    { part: 'changes that an API server sends to watches', share: needs.changes / assumed('changesSent') },
    { part: 'the size of etcd', share: needs.etcdBytes / assumed('etcdLimit') },
  ];
  return strains.toSorted((a, b) => b.share - a.share);
}

/** From which life on heartbeats are more than all else of it. Seconds. */
export function overtaken(costs: Costs): Readonly<Record<'actions' | 'requests' | 'writes', number>> {
  const beat = assumed('heartbeat');
  return { actions: beat * assumed('actions'), requests: beat * costs.temporal, writes: beat * costs.events };
}

/** How many tasks the actions of a Temporal Cloud namespace allow: followed, and with a poll and a watch that signals instead. */
export function within(): { readonly followed: number; readonly signalled: number } {
  const life = assumed('life');
  const fitting = (pause: number) => Math.floor(assumed('actionsLimit') / (1 / pause + assumed('actions') / life));
  return { followed: fitting(assumed('heartbeat')), signalled: fitting(assumed('poll')) };
}

/** Kueue in front: it admits Jobs one after the other, and a Job that waits for it is suspended, as ours are at birth. */
export function queueOf(tasks: number): { readonly fillSeconds: number; readonly shortestLife: number } {
  const clusters = Math.ceil(tasks / assumed('podsPerCluster'));
  const perCluster = tasks / clusters;
  return { fillSeconds: perCluster / assumed('admissions'), shortestLife: perCluster / assumed('admissions') };
}

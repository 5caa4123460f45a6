/** What is not measured here: choices, and what others have published. Each with where it comes from. */

export interface Assumption {
  readonly value: number;
  readonly what: string;
  readonly from: string;
}

const of = (value: number, what: string, from: string): Assumption => ({ value, what, from });

export const ASSUMED = {
  life: of(3_600, 'seconds that a task runs', 'a choice'),
  tasksPerWorker: of(2_000, 'tasks that one worker follows', 'the default of `HOLDFAST_MAX_TASKS`'),
  tasksPerNamespace: of(
    20_000,
    'tasks in one Kubernetes namespace, which has workers and a task queue of its own',
    'a choice: each worker’s watches show it all of its namespace',
  ),
  heartbeat: of(48, 'seconds between two heartbeats of a task in a full worker', '`src/activities/long-wait.ts`'),
  freshLook: of(
    600,
    'seconds between two direct looks at a task in a full worker, of two requests each',
    '`src/activities/long-wait.ts`',
  ),
  sweep: of(
    60,
    'seconds between two looks of a sweeper; each worker is one, and there is one besides for each namespace',
    'the default of `HOLDFAST_SWEEP_SECONDS`',
  ),
  listed: of(1_000, 'open tasks that Temporal lists for a sweeper at a request', '`src/task-standing.ts`'),
  asked: of(
    300,
    'listed tasks that a sweeper asks about by themselves at each look, at most',
    '`src/sweeper/sweeper.ts`',
  ),
  actions: of(
    5,
    'actions of Temporal Cloud in one life, without heartbeats: its start, four activities',
    'Temporal Cloud’s list of actions',
  ),
  poll: of(900, 'seconds between two polls of a task, where a watch signals its end', 'a choice'),
  writesPerShard: of(
    100,
    'writes a second on one history shard: half of what 5 ms a write allow',
    'PlanetScale on Temporal’s shards',
  ),
  shards: of(
    512,
    'history shards of a self-hosted Temporal, fixed when it is installed',
    'the default of Temporal’s Helm chart',
  ),
  actionsLimit: of(
    500,
    'actions a second of a Temporal Cloud namespace before it is raised',
    'Temporal Cloud’s limits',
  ),
  requestsLimit: of(
    2_000,
    'requests a second to a Temporal Cloud namespace before it is raised',
    'Temporal Cloud’s limits',
  ),
  listsLimit: of(
    30,
    'visibility requests a second to a Temporal Cloud namespace, never raised; self-hosted, 10 to each frontend (`frontend.namespaceRPS.visibility`)',
    'Temporal Cloud’s limits, Temporal’s dynamic configuration',
  ),
  podsPerCluster: of(150_000, 'Pods of one cluster', 'Kubernetes, considerations for large clusters'),
  podsPerSecond: of(83, 'Pods a second that a Job controller makes at 100 requests a second', 'KEP-2307'),
  apiRequests: of(
    3_000,
    'requests a second to one cluster’s API servers',
    'a choice, to be measured on the cluster that is meant',
  ),
  changesSent: of(
    20_000,
    'changes a second that one cluster’s API servers send to all watches',
    'a choice, to be measured on the cluster that is meant',
  ),
  changesPerLife: of(12, 'changes of a Job and its Pod in one life that a watch is told of', 'counted by hand'),
  etcdBytes: of(15_000, 'bytes that anchor, Job and Pod have together, inputs aside', 'read from etcd'),
  etcdLimit: of(8e9, 'bytes that etcd should hold at most', 'etcd, system limits'),
  admissions: of(42, 'workloads a second that Kueue admits', 'Kueue’s own published runs'),
} as const;

export const assumed = (name: keyof typeof ASSUMED): number => ASSUMED[name].value;

/** What many tasks need, from what one costs: computed by lab/bench/needs, shown here. */
import type { Measured } from '../result.ts';
import { ASSUMED, type Assumption, assumed } from '../needs/assumed.ts';
import { type Costs, costsOf, type Needs, needsOf, overtaken, queueOf, within } from '../needs/needs.ts';

const SIZES = [5_000, 100_000, 1_000_000] as const;

const HEAD = [`| | ${SIZES.map(count).join(' | ')} |`, `|---|${SIZES.map(() => '---:').join('|')}|`];

export function needsSection(measured: readonly Measured[]): readonly string[] {
  const costs = costsOf(measured);
  if (costs === undefined) return [];
  const needs = SIZES.map((tasks) => needsOf(tasks, costs));
  return [
    '## What many tasks need',
    '',
    `Computed from the table above and from what is assumed below: tasks that run at the same time, each for ${assumed('life') / 60} minutes.`,
    'The formula is `lab/bench/needs/needs.ts`; with other lives and sizes of workers it gives other numbers.',
    '',
    ...HEAD,
    ...rows(needs),
    '',
    ...strains(needs),
    ...oneTemporalNamespace(costs),
    ...inFront(),
    ...otherWay(costs),
    'Assumed:',
    '',
    '| | | from |',
    '|---|---:|---|',
    ...Object.values(ASSUMED).map(({ what, value, from }: Assumption) => `| ${what} | ${count(value)} | ${from} |`),
    '',
  ];
}

function rows(needs: readonly Needs[]): readonly string[] {
  const row = (name: string, cell: (need: Needs) => string) => `| ${name} | ${needs.map(cell).join(' | ')} |`;
  return [
    row('tasks that start, and that end, in a second', ({ turnover }) => number(turnover)),
    row('workers', ({ workers }) => number(workers)),
    row('[Kubernetes namespaces](runbook.md#more-than-one-namespace), each with a task queue', ({ namespaces }) =>
      number(namespaces),
    ),
    row('clusters', ({ clusters }) => number(clusters)),
    row('memory of one worker', ({ workerMemory }) => `${number(workerMemory)} MB`),
    row('memory of all workers', ({ memory }) => `${number(memory)} GB`),
    row('requests to Temporal a second', ({ temporal }) => number(temporal)),
    row('… of them heartbeats', ({ heartbeats }) => number(heartbeats)),
    row('… of them of the sweepers', ({ sweeping }) => number(sweeping)),
    row('actions of Temporal Cloud a second', ({ actions }) => number(actions)),
    row('history shards that are busy', ({ shards }) => number(shards)),
    row('requests to Kubernetes a second, each cluster', ({ kubernetes }) => number(kubernetes)),
    row('changes sent to watches a second, each cluster', ({ changes }) => number(changes)),
    row('log streams, each cluster', ({ logStreams }) => number(logStreams)),
    row('etcd, each cluster', ({ etcdBytes }) => `${number(etcdBytes / 1e9)} GB`),
  ];
}

/** In the order of the largest size. */
function strains(needs: readonly Needs[]): readonly string[] {
  const share = (need: Needs, part: string) => need.strains.find((one) => one.part === part)?.share ?? Number.NaN;
  const row = (part: string) => `| ${part} | ${needs.map((need) => percent(share(need, part))).join(' | ')} |`;
  return [
    '**What breaks first:** what is asked of each part, of what it can take. Above 100 % it breaks, or Temporal Cloud has to raise it.',
    '',
    ...HEAD,
    ...(needs.at(-1)?.strains ?? []).map(({ part }) => row(part)),
    '',
  ];
}

function oneTemporalNamespace(costs: Costs): readonly string[] {
  const size = assumed('tasksPerNamespace');
  const told = needsOf(size, costs)
    .strains.filter(({ part }) => part.endsWith('Temporal Cloud namespace'))
    .map(({ part, share }) => `${part.replace(/ (of|to) a .*/, '')} ${percent(share)}`);
  return [
    `All tasks are in one Temporal namespace here, and each sweeper has those of its task queue listed. Where each Kubernetes namespace, of ${count(size)} tasks, has a Temporal namespace of its own,`,
    `that one is asked, of what it can take: ${told.join(', ')}. Lists that are refused break nothing else: a look then takes longer, for the sweeper asks about each task by itself.`,
    '',
  ];
}

function inFront(): readonly string[] {
  const [, hundred, million] = SIZES;
  const minutes = (tasks: number) => number(queueOf(tasks).fillSeconds / 60);
  return [
    `**With Kueue in front** tasks wait suspended, which is how every Job of ours is born: with a queue's label it is Kueue that lets it go. It admits ${assumed('admissions')} a second,`,
    `so ${count(hundred)} run ${minutes(hundred)} minutes after they were asked for, and ${count(million)} in their clusters after ${minutes(million)}; so long must a task live at the least for so many`,
    'to live at the same time. What waits there has an anchor and a Job in etcd and no Pod, no log stream and no node; it is followed all the same.',
    '',
  ];
}

function otherWay(costs: Costs): readonly string[] {
  const { actions, requests, writes } = overtaken(costs);
  const { followed, signalled } = within();
  const minutes = (seconds: number) => number(seconds / 60);
  const [heartbeat, poll] = [assumed('heartbeat'), assumed('poll')];
  return [
    `**Where another way to wait pays.** A followed task costs a slot and, in a full worker, a heartbeat each ${heartbeat} s. Of one that lives longer than ${minutes(actions)} minutes heartbeats are most actions of Temporal Cloud,`,
    `longer than ${minutes(requests)} most requests to Temporal, longer than ${minutes(writes)} most writes to history shards. Polling by retries each minute costs nearly as much. A signal from a watch, with a poll each ${minutes(poll)} minutes, costs`,
    `a request where there are ${number(poll / heartbeat)} heartbeats, and a leader that must be elected and a log that nobody collects. Of tasks of ${minutes(assumed('life'))} minutes ${count(followed)} fit into the actions of a Temporal Cloud namespace`,
    `before it is raised; that way ${count(signalled)} would.`,
    '',
  ];
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function percent(share: number): string {
  return `${number(share * 100)} %`;
}

function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(2)));
}

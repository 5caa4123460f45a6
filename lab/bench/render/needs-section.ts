/** What many tasks need, from what one costs: computed by lab/bench/needs, shown here. */
import type { Measured } from '../result.ts';
import { ASSUMED, type Assumption, assumed } from '../needs/assumed.ts';
import { costsOf, type Needs, needsOf, queueOf } from '../needs/needs.ts';

const SIZES = [5_000, 100_000, 1_000_000] as const;

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
    `| | ${SIZES.map((size) => size.toLocaleString('en')).join(' | ')} |`,
    `|---|${SIZES.map(() => '---:').join('|')}|`,
    ...rows(needs),
    '',
    ...inFront(),
    'Assumed:',
    '',
    '| | | from |',
    '|---|---:|---|',
    ...Object.values(ASSUMED).map(
      ({ what, value, from }: Assumption) => `| ${what} | ${value.toLocaleString('en')} | ${from} |`,
    ),
    '',
  ];
}

function rows(needs: readonly Needs[]): readonly string[] {
  const row = (name: string, cell: (need: Needs) => string) => `| ${name} | ${needs.map(cell).join(' | ')} |`;
  return [
    row('tasks that start, and that end, in a second', ({ turnover }) => number(turnover)),
    row('workers', ({ workers }) => number(workers)),
    row('Kubernetes namespaces, each with a task queue', ({ namespaces }) => number(namespaces)),
    row('clusters', ({ clusters }) => number(clusters)),
    row('memory of one worker', ({ workerMemory }) => `${number(workerMemory)} MB`),
    row('memory of all workers', ({ memory }) => `${number(memory)} GB`),
    row('requests to Temporal a second', ({ temporal }) => number(temporal)),
    row('… of them heartbeats', ({ heartbeats }) => number(heartbeats)),
    row('actions of Temporal Cloud a second', ({ actions }) => number(actions)),
    row('history shards that are busy', ({ shards }) => number(shards)),
    row('requests to Kubernetes a second, each cluster', ({ kubernetes }) => number(kubernetes)),
    row('changes sent to watches a second, each cluster', ({ changes }) => number(changes)),
    row('log streams, each cluster', ({ logStreams }) => number(logStreams)),
    row('etcd, each cluster', ({ etcdBytes }) => `${number(etcdBytes / 1e9)} GB`),
    row('breaks first', ({ strains }) => strained(strains[0])),
    row('then', ({ strains }) => strained(strains[1])),
  ];
}

function strained(strain: Needs['strains'][number] | undefined): string {
  return strain === undefined ? '' : `${strain.part} (${number(strain.share * 100)} %)`;
}

function inFront(): readonly string[] {
  const [, hundred, million] = SIZES;
  const minutes = (tasks: number) => number(queueOf(tasks).fillSeconds / 60);
  return [
    `**With Kueue in front** tasks wait suspended, which is how every Job of ours is born: with a queue's label it is Kueue that lets it go. It admits ${assumed('admissions')} a second,`,
    `so ${hundred.toLocaleString('en')} run ${minutes(hundred)} minutes after they were asked for, and ${million.toLocaleString('en')} in their clusters after ${minutes(million)}; so long must a task live at the least for so many`,
    'to live at the same time. What waits there has an anchor and a Job in etcd and no Pod, no log stream and no node; it is followed all the same.',
    '',
    '**Where another way to wait pays.** A followed task costs a heartbeat each minute at most and a slot. Polling by retries costs as many requests; a signal from a watch with a poll',
    'each quarter of an hour a fifteenth, for a leader that must be elected and a log that nobody collects. It pays where heartbeats are most of what Temporal does: tasks that run for hours, by the hundred thousand.',
    '',
  ];
}

function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(2)));
}

/** How the report says what `npm run lab -- soak` found. */
import { OFFENCES } from '../soak/judge.ts';
import type { SoakResult } from '../soak/results.ts';

/** What is promised, in the words of the table. */
const PROMISED: Readonly<Record<keyof typeof OFFENCES, string>> = {
  lost: 'tasks lost: without one outcome, the same to us and in Temporal',
  untrue: 'told untruly',
  'ran on': 'containers that ran on after it was told',
  doubled: 'tasks with two started Jobs at the same time',
  left: 'objects left behind',
  touched: "somebody else's Job touched",
  grew: 'the worker that is never killed grew beyond its limit',
  ended: 'the worker that is never killed ended by itself',
  unjudged: 'could not be judged',
};

export function soakSection(result: SoakResult): readonly string[] {
  const { measuredAt, setting, seed, minutes, rate } = result;
  const { versions, cores, load } = setting;
  return [
    '## A soak: a long flow, while workers die and the API server is restarted',
    '',
    `Tasks whose containers run for some seconds each, ${rate.wanted === undefined ? 'as many as get through' : `${rate.wanted} in a second`}, on servers of their own with simulated nodes. Some are cancelled, killed or ended by Temporal,`,
    'from before their dispatch to the end of their container. Of two workers one is ended by SIGKILL again and again and replaced; so are the API server and etcd, on their data.',
    "Each task is judged from the API server's own watch, and its outcome is held against Temporal's list.",
    '',
    ...picture(),
    '| | |',
    '|---|---:|',
    ...counts(result),
    ...promises(result),
    ...times(result),
    ...memory(result),
    '',
    ...failures(result),
    `Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC, ${minutes} minutes, seed ${seed}; Kubernetes ${versions.kubernetes}, Temporal ${versions.temporal}, Node ${versions.node}, Holdfast ${versions.holdfast};`,
    `${cores} cores for all of it, servers too; load average ${load} when it began.`,
    '',
  ];
}

function picture(): readonly string[] {
  return [
    '<picture>',
    '  <source media="(prefers-color-scheme: dark)" srcset="soak-dark.svg">',
    '  <img alt="Memory of a worker and the tasks that are open, over the time of the soak" src="soak-light.svg">',
    '</picture>',
    '',
  ];
}

function counts({ tasks, outcomes, answers, rate, open, hits, gaps }: SoakResult): readonly string[] {
  const named = (numbers: Readonly<Record<string, number>>, before: string) =>
    Object.entries(numbers).map(([name, value]) => row(`${before}${name.replaceAll('_', ' ')}`, count(value)));
  const workers = hits.filter(({ target }) => target === 'worker').length;
  const away = hits.filter(({ target }) => target === 'API server').map(({ seconds }) => seconds);
  const wanted = rate.wanted === undefined ? '' : `, of ${rate.wanted} wanted`;
  return [
    row('tasks', count(tasks)),
    ...named(outcomes, '… '),
    ...named(answers, 'answer to a '),
    row('tasks that ended in a second, in the second half', `${rate.sustained}${wanted}`),
    row('open at the same time, p50 / p95 / most', [open.p50, open.p95, open.most].join(' / ')),
    row('workers killed', count(workers)),
    row('restarts of the API server', count(away.length)),
    row('… the longest until it answered again', `${Math.max(0, ...away)} s`),
    row('our own watches begun again', count(gaps.number)),
    row('… the longest in which they may have missed something', `${count(gaps.longestMs)} ms`),
  ];
}

function promises({ failed, latePods }: SoakResult): readonly string[] {
  const offences = Object.entries(failed).map(([is, number]) =>
    row(`**${PROMISED[is as keyof typeof OFFENCES]}**`, `**${count(number)}**`),
  );
  return [...offences, row('Pods made after their anchor had gone, which no real node starts', count(latePods))];
}

function times({ waited, cancelledIn, goneIn }: SoakResult): readonly string[] {
  const seconds = ({ p50, p95, most }: SoakResult['waited']) => `${p50} / ${p95} / ${most} s`;
  return [
    row('of a task left alone, beyond what its container runs, p50 / p95 / most', seconds(waited)),
    row('from a cancel to its answer, p50 / p95 / most', seconds(cancelledIn)),
    row('from the outcome told until nothing is left, p50 / p95 / most', seconds(goneIn)),
  ];
}

function memory({ samples, growth }: SoakResult): readonly string[] {
  const most = Math.max(0, ...samples.map(({ megabytes }) => megabytes));
  const [first, last] = [samples.at(0)?.megabytes ?? 0, samples.at(-1)?.megabytes ?? 0];
  return [
    row('memory of the worker that is never killed, first / last / most', `${first} / ${last} / ${most} MB`),
    row('… its slope in the second half, in an hour', `${growth.anHour} MB`),
    row('… for 1,000 tasks', `${growth.aThousandTasks} MB`),
  ];
}

function failures({ failures: all }: SoakResult): readonly string[] {
  if (all.length === 0) return [];
  return ['What did not hold:', '', ...all.map(({ id, is, what }) => `- ${id}: ${OFFENCES[is]}: ${what}`), ''];
}

function row(name: string, value: string): string {
  return `| ${name} | ${value} |`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}

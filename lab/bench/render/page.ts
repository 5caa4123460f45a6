/** Pure: what was measured as a page. */
import { type Limit, valueOf } from '../limits.ts';
import { allMeasured, type Measured, type Performance, type Row } from '../result.ts';
import { amount } from './in-words.ts';
import { needsSection } from './needs-section.ts';
import { traceSection } from './trace-section.ts';

export function render(performance: Performance, limits: readonly Limit[]): string {
  const { rows, trace } = performance;
  return [
    '# Performance',
    '',
    'Written by `npm run bench`. Every number here is in [performance.json](performance.json) or computed from it; none is typed by hand.',
    '',
    ...tableSection(rows, limits),
    ...provenance(rows),
    ...(trace === undefined ? [] : traceSection(trace)),
    ...needsSection(allMeasured(performance)),
  ].join('\n');
}

function tableSection(rows: readonly Row[], limits: readonly Limit[]): readonly string[] {
  return [
    '## On top of Kubernetes',
    '',
    ...picture(rows),
    '| | Holdfast | floor, same run | ratio | smallest workflow | wanted | limit |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...rows.flatMap(({ measured }) => measured.map((one) => measuredRow(one, limits))),
    '',
    'In brackets: between which values 90 of 100 resamplings of the repeats put it. The sides are measured in turn, the other way round every second time, by the same',
    'client, after one turn that does not count, and of many at once when the machine is calm again; raw Jobs have the same Pods without the anchor. *Limit*: above it `npm run bench` fails;',
    'it is the worst of the runs kept in `lab/bench/limits.json`, with a margin for the noise of machines.',
    '',
    '*Smallest workflow*: the same Jobs by a workflow of two activities, create and wait, that deletes its Job if it is cancelled, as the samples of Temporal’s SDK have it, in a worker that is begun as Holdfast’s is;',
    'and that over the floor. It leaves orphans ([evidence](evidence.md), *Temporal as samples use it*) and, after a success, its Job. It is here to tell what Temporal takes on the same cores.',
    '',
    '**Where a mark is missed (✗).** A task alone waits for two rounds of workflow task and activity before its container is asked for, and a cancel for one before the delete; beside a container that',
    'takes its time to end that is nothing. Of many at once it is another matter: Temporal, the API server, the worker and, on the real node, the container runtime share the cores of the machine,',
    'none of them waits for anything else, and what is measured is processor time. On simulated nodes the smallest workflow does not come down to what is wanted of many at once, either. What Holdfast takes beyond it is the',
    'anchor, a start apart from the create, the log, and the removal with its proof: of tasks that end by themselves neither of the others removes anything while it is measured.',
    '',
    'On a machine that is as busy as that, Temporal 1.29 loses some of what it hands to a worker that polls ([#11733](https://github.com/temporalio/temporal/issues/11733)): an activity is found again when its heartbeat is missed,',
    'a workflow task after ten seconds. Holdfast’s activities come, at their first attempt, in the answer to a workflow task, which cannot be lost so; workflow tasks can, its own and those of the smallest workflow, and the spread of these rows is partly that.',
    '',
    'A waiting task has its log open: a hundred share a connection to an API server, but to the proxy that counts requests each has its own.',
    '',
    'Now and then a container starts a second and a half late: its kubelet asks for the anchor before the API server’s node authorizer has heard of the Pod, is refused, and asks again after a second.',
    'Any Pod that mounts a ConfigMap may meet that.',
    '',
    'Temporal is as `npm run up` starts it: on SQLite and, from 07608d1 on, with eager execution of activities (`system.enableActivityEagerExecution`); rows that were',
    'measured of a state before, which the next table names, are without it.',
    '',
  ];
}

function picture(rows: readonly Row[]): readonly string[] {
  if (!rows.some(({ measured }) => measured.some(({ ratio }) => ratio !== undefined))) return [];
  return [
    '<picture>',
    '  <source media="(prefers-color-scheme: dark)" srcset="performance-dark.svg">',
    '  <img alt="What Holdfast takes, over what plain Kubernetes Jobs take in the same run" src="performance-light.svg">',
    '</picture>',
    '',
  ];
}

function measuredRow(measured: Measured, limits: readonly Limit[]): string {
  const { key, title, unit, ours, floor, ratio, smallest, smallestRatio } = measured;
  const limit = limits.find((one) => one.key === key);
  const value = limit && valueOf(measured, limit.of);
  const times =
    ratio === undefined ? '' : `${ratio.value.toFixed(2)} × (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`;
  const shown = (number: number | undefined) =>
    number === undefined ? '' : limit?.of === 'ratio' ? `${number} ×` : amount(number, unit);
  const isReached = limit !== undefined && value !== undefined && value <= limit.reach;
  const spread = ours.low === ours.high ? '' : ` (${amount(ours.low, unit)} to ${amount(ours.high, unit)})`;
  const cells = [
    title,
    `${amount(ours.value, unit)}${spread}`,
    floor === undefined ? '' : amount(floor.value, unit),
    times,
    smallest === undefined ? '' : [amount(smallest.value, unit), ...inTimes(smallestRatio)].join(', '),
    limit === undefined ? '' : `${shown(limit.reach)} ${isReached ? '✓' : '✗'}`,
    shown(limit?.limit),
  ];
  return `| ${cells.join(' | ')} |`;
}

function inTimes(ratio: Measured['ratio']): readonly string[] {
  return ratio === undefined ? [] : [`${ratio.value.toFixed(2)} ×`];
}

function provenance(rows: readonly Row[]): readonly string[] {
  return [
    '| measured | on | repeats | Holdfast | load before | floor |',
    '|---|---|---:|---|---:|---|',
    ...rows.map(({ name, size, sizeMeans, repeats, measuredAt, setting, floor = '' }) => {
      const { versions, nodes, cores, load } = setting;
      const on = `${nodes} nodes, ${cores} cores, Kubernetes ${versions.kubernetes}, Temporal ${versions.temporal}`;
      const what = `${name}: ${size.toLocaleString('en')} ${sizeMeans}, ${measuredAt.slice(0, 16).replace('T', ' ')} UTC`;
      return `| ${what} | ${on} | ${repeats} | ${versions.holdfast} | ${load} | ${floor} |`;
    }),
    '',
    'Simulated nodes run Pods on paper: they leave the API server, the controllers and us, and take the containers away.',
    '',
  ];
}

/** How the report says what `npm run lab -- cancels` found. */
import { type CancelsResult, OUTCOMES } from '../cancels/results.ts';

export function cancelsSection(result: CancelsResult): readonly string[] {
  const { measuredAt, versions, machine, atOnce, seconds, cases, untrue, notFound } = result;
  const { unplayed, unsettled, outcomes, sentAfter, answeredIn } = result;
  const named = Object.entries(OUTCOMES).map(([name, words]) => `| … ${words} | ${count(outcomes[name as Outcome])} |`);
  return [
    '## Cancels over HTTP at the moment of completion',
    '',
    'Each case: a task whose Job ends by itself, a cancel by HTTP aimed so that Temporal records it about then, and the same cancel once more. Status, times and reason of both answers',
    "are held against Temporal's own history of the task, and against what became of its Job.",
    'Real: Temporal, the workflow and its worker, the gateway and HTTP on loopback. Played: the cluster; the Job ends on paper, and release finds out as it does of a real one.',
    '',
    '| | |',
    '|---|---:|',
    `| cases | ${count(cases)} |`,
    ...named,
    `| **untrue answers** | **${count(untrue.length)}** |`,
    `| **answers of 404** | **${count(notFound)}** |`,
    `| answers that settled nothing (202, 503), and were asked again | ${count(unsettled)} |`,
    `| not played to their end | ${count(unplayed)} |`,
    `| from the Job's end to the sending of the cancel, p5 / p50 / p95 | ${ms(sentAfter)} |`,
    `| from the sending to the answer that settled it, p5 / p50 / p95 | ${ms(answeredIn)} |`,
    '',
    `Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC, ${atOnce} at once, in ${count(seconds)} s; Temporal ${versions.temporal}, Node ${versions.node}, Holdfast ${versions.holdfast};`,
    `${machine.cores} cores, shared with other work; load average ${machine.load}.`,
    '',
  ];
}

type Outcome = keyof typeof OUTCOMES;

function count(number: number): string {
  return number.toLocaleString('en');
}

function ms({ p5, p50, p95 }: CancelsResult['sentAfter']): string {
  return `${[p5, p50, p95].join(' / ')} ms`;
}

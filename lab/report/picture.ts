/** One race as a timeline: the same held create under the naive dispatcher and under Holdfast, as it was measured. */
import type { Observation } from './observation.ts';
import { line, sheet, SHEET, type SheetColours, text, type Theme, WIDTH } from './svg.ts';

interface Colours extends SheetColours {
  readonly wire: string;
  readonly job: string;
  readonly bad: string;
  readonly good: string;
}

const COLOURS: Readonly<Record<Theme, Colours>> = {
  light: { ...SHEET.light, wire: '#8250df', job: '#9a6700', bad: '#cf222e', good: '#1a7f37' },
  dark: { ...SHEET.dark, wire: '#ab7df8', job: '#d29922', bad: '#f85149', good: '#3fb950' },
};

const LEFT = 200;
const RIGHT = 30;
const PANEL = 190;
const ROW = 34;
const FOOT = 46;
/** What is drawn after the last thing that happened. Milliseconds. */
const AFTER_MS = 4_000;

/** Undefined without one case of each. */
export function pictureOf(cases: readonly Observation[], theme: Theme): string | undefined {
  const naive = cases.find(({ protocol }) => protocol === 'naive');
  const holdfast = cases.find(({ protocol }) => protocol === 'holdfast');
  if (naive === undefined || holdfast === undefined) return undefined;
  const colours = COLOURS[theme];
  const end = Math.ceil((Math.max(...[naive, holdfast].map(lastMoment)) + AFTER_MS) / 1_000) * 1_000;
  const height = 20 + 2 * PANEL + FOOT;
  const body = [
    ...panel('Naive dispatcher', naive, 20, end, colours),
    ...panel('Holdfast', holdfast, 20 + PANEL, end, colours),
    ...axis(20 + 2 * PANEL, end, colours),
  ];
  return sheet('The same held create under the naive dispatcher and under Holdfast', height, colours, body);
}

/** When the last thing began that the picture shows. */
export function lastMoment({ letGoAt = 0, containers }: Observation): number {
  return Math.max(letGoAt, ...containers.map(({ startedAt }) => startedAt));
}

function panel(title: string, seen: Observation, top: number, end: number, colours: Colours): readonly string[] {
  const x = scale(end);
  const row = (index: number) => top + 50 + index * ROW;
  const { faulted, letGoAt = 0, cancelAt, lastAnswer, jobs, containers } = seen;
  const answeredAt = lastAnswer?.at ?? cancelAt;
  const halo = `stroke="${colours.paper}" stroke-width="5" paint-order="stroke"`;
  return [
    text(20, top + 16, title, colours.ink, 'font-weight="600" font-size="15"'),
    text(LEFT, top + 16, verdictOf(seen), containers.length > 0 ? colours.bad : colours.good, 'font-weight="600"'),
    ...['create on the wire', 'Job exists', 'container runs'].map((label, index) =>
      text(20, row(index) + 5, label, colours.faint),
    ),
    ...[0, 1, 2].map((index) => line(LEFT, row(index), WIDTH - RIGHT, row(index), colours.line)),
    bar(x(faulted?.at ?? 0), x(letGoAt), row(0), colours.wire),
    ...jobs.map(({ createdAt, goneAt = end }) => bar(x(createdAt), x(goneAt), row(1), colours.job)),
    ...jobs.flatMap(({ createdAt, goneAt }) =>
      goneAt === undefined
        ? []
        : [
            text(
              x(goneAt) + 8,
              row(1) + 5,
              `${goneAt - createdAt} ms, suspended, without an owner`,
              colours.faint,
              halo,
            ),
          ],
    ),
    ...containers.flatMap(({ startedAt, stoppedAt }) => containerBar(x, row(2), startedAt, stoppedAt, end, colours)),
    ...mark(x(cancelAt), top + 30, row(2) + 16, 'cancel', 'end', colours.ink),
    ...mark(x(answeredAt), top + 30, row(2) + 16, 'answer: “cancelled”', 'start', colours.ink),
  ];
}

function verdictOf({ containers, liveJobs, livePods }: Observation): string {
  if (liveJobs + livePods > 0) return 'an orphan: it runs although “cancelled” was said';
  return containers.length > 0 ? 'a container ran' : 'no container ran, and nothing is left';
}

function containerBar(
  x: (ms: number) => number,
  y: number,
  startedAt: number,
  stoppedAt: number | undefined,
  end: number,
  colours: Colours,
): readonly string[] {
  const bars = [bar(x(startedAt), x(Math.min(stoppedAt ?? end, end)), y, colours.bad)];
  if (stoppedAt !== undefined) return bars;
  return [...bars, text(x(startedAt) + 10, y + 5, 'runs on, nobody stops it →', '#ffffff', 'font-weight="600"')];
}

function mark(x: number, top: number, bottom: number, label: string, anchor: 'start' | 'end', colour: string) {
  const shift = anchor === 'start' ? 5 : -5;
  return [
    line(x, top, x, bottom, colour, 'stroke-dasharray="3 3"'),
    text(x + shift, top + 4, label, colour, `text-anchor="${anchor}" font-size="12"`),
  ];
}

function axis(top: number, end: number, colours: Colours): readonly string[] {
  const x = scale(end);
  const seconds = Array.from({ length: end / 1_000 + 1 }, (_, second) => second);
  return [
    line(LEFT, top, WIDTH - RIGHT, top, colours.faint),
    ...seconds.flatMap((second) => [
      line(x(second * 1_000), top, x(second * 1_000), top + 5, colours.faint),
      text(x(second * 1_000), top + 20, `${second} s`, colours.faint, 'text-anchor="middle" font-size="12"'),
    ]),
    text(20, top + 20, 'since the task was sent', colours.faint, 'font-size="12"'),
  ];
}

function scale(end: number): (ms: number) => number {
  return (ms) => LEFT + (Math.min(ms, end) / end) * (WIDTH - LEFT - RIGHT);
}

/** At least 3 wide: what lasted milliseconds is still seen. */
function bar(from: number, to: number, y: number, colour: string): string {
  const width = Math.max(3, to - from);
  return `<rect x="${from.toFixed(1)}" y="${y - 9}" width="${width.toFixed(1)}" height="18" rx="3" fill="${colour}"/>`;
}

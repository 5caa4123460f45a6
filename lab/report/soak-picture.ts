/** A soak over time: the memory of the worker that is never killed, the tasks that are open, and what was killed when. */
import { growthOf, type Sample, secondHalf } from '../soak/meter.ts';
import type { DoneHit, SoakResult } from '../soak/results.ts';
import { line, sheet, SHEET, type SheetColours, text, type Theme, WIDTH } from './svg.ts';

interface Colours extends SheetColours {
  readonly memory: string;
  readonly open: string;
  readonly trend: string;
  readonly worker: string;
  readonly server: string;
}

const COLOURS: Readonly<Record<Theme, Colours>> = {
  light: { ...SHEET.light, memory: '#0969da', open: '#8250df', trend: '#1a7f37', worker: '#9a6700', server: '#cf222e' },
  dark: { ...SHEET.dark, memory: '#4493f8', open: '#ab7df8', trend: '#3fb950', worker: '#d29922', server: '#f85149' },
};

const LEFT = 70;
const RIGHT = 30;
const TITLE = 44;
const PLOT = 130;
const PANEL = TITLE + PLOT;
const FOOT = 62;
/** Ticks of an axis, at most. */
const TICKS = 12;
const UNITS = ['memory', 'open'] as const;

type X = (seconds: number) => number;
type Y = (value: number) => number;

export function soakPicture(result: SoakResult, theme: Theme): string {
  const { samples, minutes, hits, growth } = result;
  const colours = COLOURS[theme];
  const end = Math.max(minutes * 60, ...samples.map(({ seconds }) => seconds));
  const x: X = (seconds) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT);
  const bottom = UNITS.length * PANEL;
  const memory = scaleOf(samples, ({ megabytes }) => megabytes, TITLE);
  const open = scaleOf(samples, (sample) => sample.open, PANEL + TITLE);
  const slope = `${growth.anHour} MB an hour in the second half, by least squares`;
  const body = [
    ...[TITLE, PANEL + TITLE].flatMap((top) => hits.map((hit) => struck(hit, x, top, colours))),
    ...panel('Memory of the worker that is never killed', 0, memory, 'MB', colours),
    text(WIDTH - RIGHT, 28, slope, colours.trend, 'text-anchor="end" font-weight="600"'),
    curve(samples, ({ seconds, megabytes }) => [x(seconds), memory.y(megabytes)], colours.memory),
    ...trend(samples, x, memory.y, colours.trend),
    ...panel('Tasks that are open', PANEL, open, '', colours),
    curve(samples, (sample) => [x(sample.seconds), open.y(sample.open)], colours.open),
    ...axis(bottom, end, x, colours),
    text(LEFT, bottom + 46, 'a worker is killed', colours.worker, 'font-size="12"'),
    text(LEFT + 130, bottom + 46, 'the API server is restarted', colours.server, 'font-size="12"'),
  ];
  return sheet('Memory of a worker and open tasks over the time of the soak', bottom + FOOT, colours, body);
}

function struck({ target, at }: DoneHit, x: X, top: number, { worker, server }: Colours): string {
  return line(x(at), top, x(at), top + PLOT, target === 'worker' ? worker : server, 'stroke-opacity="0.35"');
}

interface Scale {
  readonly y: Y;
  readonly most: number;
}

/** From 0, so that flat looks flat and steep looks steep. */
function scaleOf(samples: readonly Sample[], valueOf: (sample: Sample) => number, top: number): Scale {
  const most = roundUp(Math.max(1, ...samples.map(valueOf)));
  return { most, y: (value) => top + PLOT - (value / most) * PLOT };
}

/** To a number that can be halved and read. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((times) => times * unit).find((most) => most >= value) ?? value;
}

function panel(title: string, top: number, { y, most }: Scale, unit: string, colours: Colours): readonly string[] {
  return [
    text(20, top + 28, title, colours.ink, 'font-weight="600" font-size="15"'),
    ...[0, most / 2, most].flatMap((value) => [
      line(LEFT, y(value), WIDTH - RIGHT, y(value), colours.line),
      text(LEFT - 8, y(value) + 4, `${value} ${unit}`.trim(), colours.faint, 'text-anchor="end" font-size="12"'),
    ]),
  ];
}

function curve(samples: readonly Sample[], at: (sample: Sample) => readonly [number, number], colour: string): string {
  const points = samples.map((sample) =>
    at(sample)
      .map((value) => value.toFixed(1))
      .join(','),
  );
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

/** The line whose slope is told. */
function trend(samples: readonly Sample[], x: X, y: Y, colour: string): readonly string[] {
  const half = secondHalf(samples);
  const [first, last] = [half.at(0), half.at(-1)];
  if (first === undefined || last === undefined) return [];
  const mean = (of: (sample: Sample) => number) => half.reduce((sum, sample) => sum + of(sample), 0) / half.length;
  const [middle, height] = [mean(({ seconds }) => seconds), mean(({ megabytes }) => megabytes)];
  const perSecond = growthOf(samples).anHour / 3_600;
  const at = ({ seconds }: Sample) => Number(y(height + (seconds - middle) * perSecond).toFixed(1));
  return [line(x(first.seconds), at(first), x(last.seconds), at(last), colour, 'stroke-width="2"')];
}

function axis(top: number, end: number, x: X, colours: Colours): readonly string[] {
  const step = [1, 2, 5, 10, 20, 30, 60].find((minutes) => end / 60 / minutes <= TICKS) ?? 120;
  const minutes = Array.from({ length: Math.floor(end / 60 / step) + 1 }, (_, index) => index * step);
  return minutes.flatMap((minute) => [
    line(x(minute * 60), top, x(minute * 60), top + 5, colours.faint),
    text(x(minute * 60), top + 20, `${minute} min`, colours.faint, 'text-anchor="middle" font-size="12"'),
  ]);
}

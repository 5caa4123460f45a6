/** `holdfast sweep`: the sweeper as a process of its own, once or until it is stopped, or on a Temporal Schedule. */
import { type Config, readConfig, unknownVariables } from '../../config.ts';
import { ERRORS, EXIT, HoldfastError } from '../../errors.ts';
import { DURATION_ACCEPTED, tryDuration } from '../../settings.ts';
import { keepSweeping, sweepTwice } from '../../sweeper/keep-sweeping.ts';
import { type OwnSweeper, openSweeper } from '../../sweeper/own-process.ts';
import { countsOf, type SweepReport } from '../../sweeper/report.ts';
import { scheduleId, scheduleSweeps, unscheduleSweeps } from '../../sweeper/schedule.ts';
import { refusedInput } from '../refused-input.ts';
import { refuseHttp, withTemporal } from '../session.ts';
import { isNews, showReport } from '../show/sweep.ts';
import { stderr, stdout } from '../terminal.ts';

export interface SweepWords {
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly schedule?: string;
  readonly unschedule?: boolean;
  readonly json?: boolean;
}

/** A Schedule's sweep takes seconds; a shorter interval would only skip. */
const [SHORTEST, LONGEST] = [10, 86_400];

const NOT_OVER_HTTP =
  'A sweep compares Kubernetes with Temporal, and a gateway lets nobody into either: it is not to be had over HTTP.';

export async function sweep({ once, dryRun = false, schedule, unschedule, json }: SweepWords): Promise<number> {
  if (schedule !== undefined) return makeSchedule(checkedSpan(schedule), json);
  if (unschedule) return removeSchedule(json);
  const config = readConfig();
  refuseHttp(config, NOT_OVER_HTTP);
  if (!once && config.sweepSeconds === 0)
    throw new HoldfastError('CONFIG_INVALID', 'HOLDFAST_SWEEP_SECONDS is 0, which turns the sweeper off.');
  const own = await openSweeper(
    config,
    { dryRun, isThorough: once === true },
    { warn: (message, { error }) => stderr.line(`${message}: ${String(error)}`) },
  );
  const tell = (report: SweepReport) => stdout.line(json ? JSON.stringify(report) : showReport(report));
  try {
    return await (once ? sweepOnce(own, config, tell) : sweepOn(own, config, tell));
  } finally {
    await own.close();
  }
}

async function sweepOnce(
  { sweeper }: OwnSweeper,
  { sweepSeconds }: Config,
  tell: (report: SweepReport) => void,
): Promise<number> {
  const report = await sweepTwice(sweeper, sweepSeconds, new AbortController().signal);
  tell(report);
  return report.refused === undefined ? EXIT.succeeded : ERRORS[report.refused.because].exit;
}

async function sweepOn(
  { sweeper, watch }: OwnSweeper,
  config: Config,
  tell: (report: SweepReport) => void,
): Promise<number> {
  const { sweepSeconds, kubernetes } = config;
  const count = await counting(config);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const unknown = unknownVariables();
  if (unknown.length > 0) stderr.line(`Not known, and without effect: ${unknown.join(', ')}.`);
  stderr.line(`Sweeping namespace ${kubernetes.namespace} every ${sweepSeconds} s, and soon after a Job changes.`);
  const onReport = (report: SweepReport) => {
    count(report);
    if (isNews(report)) tell(report);
  };
  await keepSweeping({ sweeper, watch, everySeconds: sweepSeconds, onReport }, stop.signal);
  return EXIT.succeeded;
}

/** Loaded only where metrics are wanted: their page is served by the worker's library, which is large. */
async function counting(config: Config): Promise<(report: SweepReport) => void> {
  if (config.metricsAddress === undefined) return () => undefined;
  const { createLogger, createMetrics, installRuntime } = await import('../../telemetry.ts');
  const logger = createLogger(config.logLevel);
  installRuntime(config, logger);
  const metrics = createMetrics(logger);
  return (report) => metrics.swept(countsOf(report));
}

function makeSchedule(everySeconds: number, json: boolean | undefined): Promise<number> {
  return withTemporal(NOT_OVER_HTTP, async ({ temporal }) => {
    const { taskQueue } = readConfig();
    await scheduleSweeps(temporal, taskQueue, everySeconds);
    const schedule = scheduleId(taskQueue);
    const sentence = `Schedule ${schedule} lets a worker sweep every ${everySeconds} s; \`holdfast sweep --unschedule\` removes it.`;
    stdout.line(json ? JSON.stringify({ schedule, everySeconds }) : sentence);
    return EXIT.succeeded;
  });
}

function removeSchedule(json: boolean | undefined): Promise<number> {
  return withTemporal(NOT_OVER_HTTP, async ({ temporal }) => {
    const { taskQueue } = readConfig();
    const removed = await unscheduleSweeps(temporal, taskQueue);
    const schedule = scheduleId(taskQueue);
    const sentence = removed ? `Schedule ${schedule} is removed.` : `There is no schedule ${schedule}.`;
    stdout.line(json ? JSON.stringify({ schedule, removed }) : sentence);
    return EXIT.succeeded;
  });
}

function checkedSpan(text: string): number {
  const seconds = tryDuration(text);
  if (seconds !== undefined && seconds >= SHORTEST && seconds <= LONGEST) return seconds;
  const message = `is ${JSON.stringify(text)}; it must be a span from 10s to 1d. ${DURATION_ACCEPTED}`;
  throw refusedInput({ field: 'schedule', message });
}

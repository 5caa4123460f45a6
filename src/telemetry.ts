/**
 * Logs: JSON lines on stdout, a constant message and fields. Metrics: one page for Prometheus. Temporal's own go the
 * same ways.
 */
import { type LogLevel, type LogMetadata, type Logger as TemporalLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import { type Config, unknownVariables } from './config.ts';
import { HoldfastError } from './errors.ts';
import { BUCKETS, Metrics } from './metrics.ts';

/**
 * Once per process, before anything else of Temporal's: its logs become ours and, where there is an address for them,
 * metrics are served. It needs no worker.
 * @throws HoldfastError CONFIG_INVALID if the address cannot be taken.
 */
export function installRuntime({ metricsAddress }: Pick<Config, 'metricsAddress'>, logger: Logger): void {
  const prometheus = metricsAddress !== undefined && {
    // Seconds, as Prometheus has it; the names of Temporal's metrics stay those of its documentation.
    prometheus: { bindAddress: metricsAddress, useSecondsForDurations: true, histogramBucketOverrides: BUCKETS },
  };
  try {
    Runtime.install({
      logger: temporalLogger(logger),
      shutdownSignals: [],
      ...(prometheus && { telemetryOptions: { metrics: prometheus } }),
    });
  } catch (error) {
    if (metricsAddress === undefined) throw error;
    const field = 'HOLDFAST_METRICS_ADDRESS';
    const message = `metrics cannot be served at ${metricsAddress}: ${String(error)}`;
    throw new HoldfastError(
      'CONFIG_INVALID',
      `${field}: ${message}`,
      { problems: [{ field, message }] },
      { cause: error },
    );
  }
}

/** On the page of this process, if it has one. */
export function createMetrics(logger: Logger): Metrics {
  const onError = (error: unknown) => logger.debug({ error: String(error) }, 'a metric was not recorded');
  return new Metrics(Runtime.instance().metricMeter, onError);
}

/** Said once by whatever runs on and on. */
export function tellUnknownVariables(logger: Logger): void {
  const names = unknownVariables();
  if (names.length > 0) logger.warn({ variables: names }, 'variables that are not known have no effect');
}

export function createLogger(level: Config['logLevel']): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Temporal's own lines carry Error objects there; as plain JSON those are `{}`.
    serializers: { error: pino.stdSerializers.err },
  });
}

export function temporalLogger(logger: Logger): TemporalLogger {
  const LEVELS = {
    TRACE: logger.trace,
    DEBUG: logger.debug,
    INFO: logger.info,
    WARN: logger.warn,
    ERROR: logger.error,
  };
  const log = (level: LogLevel, message: string, meta?: LogMetadata) =>
    LEVELS[level].call(logger, fieldsOf(meta), message);
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

/** `workflowId` is what the rest of Holdfast calls `taskId`. */
function fieldsOf({ workflowId, ...meta }: LogMetadata & { workflowId?: unknown } = {}): Record<string, unknown> {
  return workflowId === undefined ? meta : { taskId: workflowId, ...meta };
}

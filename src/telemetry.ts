/** Logs: JSON lines on stdout, a constant message and fields. Temporal's own go the same way. */
import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

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

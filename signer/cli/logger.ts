/** The log of `signer serve`: one line an event on standard error, written before the call returns. */
import type { Logger } from '@privval/proto/runtime/logger';
import { type DestinationStream, pino } from 'pino';
import type { LogFormat, LogLevel } from '../config/config.ts';

/** How to log. */
export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** A logger whose level may be set anew; loggers made from it by `withFields` follow. */
export interface LevelledLogger extends Logger {
  level: string;
}

/** A logger on file descriptor 2, or on `destination`. */
export function createLogger(
  options: LoggerOptions,
  destination?: DestinationStream,
): LevelledLogger {
  // Synchronous: what was logged before a crash is in the log.
  const lines = destination ?? pino.destination({ fd: 2, sync: true });
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.format === 'text' ? textLines(lines) : lines,
  );
}

/** Lines for people: time, level, message, then the fields. */
function textLines(destination: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { time, level, msg, ...fields } = JSON.parse(line);
      const rest = Object.entries(fields).map(([key, value]) => `${key}=${textOf(value)}`);
      destination.write(
        `${time} ${String(level).toUpperCase().padEnd(5)} ${[msg, ...rest].join(' ')}\n`,
      );
    },
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

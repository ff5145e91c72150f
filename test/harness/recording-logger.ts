/** A log a test can read. */
import type { Logger } from '@privval/proto/runtime/logger';

/** One line. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps every line, in order. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(fields: object, message: string): void {
    this.#keep('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#keep('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message);
  }

  /** The lines with this message. */
  named(message: string): readonly LogLine[] {
    return this.lines.filter((line) => line.message === message);
  }

  #keep(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...fields } });
  }
}

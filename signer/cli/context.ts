/** What a command sees of the world: where it prints, what time it is. */
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { Devices } from '../keyring/devices.ts';

/** Given to every command. */
export interface CliContext {
  readonly clock: Clock;
  /** For the parts that log; silent but in `serve`. */
  readonly logger: Logger;
  /** Results: what the command was asked for. */
  readonly print: (text: string) => void;
  /** Everything else that is said to a person. */
  readonly note: (text: string) => void;
  /** How devices are reached. @default those that are there */
  readonly devices?: (() => Devices) | undefined;
  /** Asks a person at a terminal; `undefined` when there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

/** The command line cannot be understood. */
export class UsageError extends CodedError {
  override readonly name = 'UsageError';
  readonly code = 'ERR_USAGE';
}

/** Flags every command on a home has. */
export interface HomeFlags {
  readonly home: string;
  readonly json?: boolean | undefined;
}

/** Prints a value for programs: one JSON text, indented. */
export function printJson(context: CliContext, value: unknown): void {
  context.print(JSON.stringify(value, null, 2));
}

/** Prints rows for people, columns aligned. */
export function printTable(
  context: CliContext,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  for (const row of [head, ...rows]) {
    context.print(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** The `signer` command: its arguments in, its exit code out. Loads what the one command needs, no more. */
import { systemClock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { CommanderError } from 'commander';
import type { CliContext } from './context.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { remedyOf } from './remedies.ts';

/**
 * Runs one command and sets the process's exit code. Never rejects.
 *
 * Of a coded error the text, its code and a way out are shown, never a stack.
 */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`head`) is no fault of ours.
  process.stdout.on('error', () => process.exit(EXIT_CODES.done));
  process.exitCode = await run(args, {
    clock: systemClock,
    logger: silentLogger,
    print: (text) => process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
    ask: process.stdin.isTTY && process.stderr.isTTY ? askAtTerminal : undefined,
  });
}

/** Runs one command. @returns its exit code. */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  try {
    const program = await createProgram(context, args);
    await program.parseAsync(args, { from: 'user' });
    return EXIT_CODES.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
    }
    context.note(describeError(error));
    return exitCodeOf(error);
  }
}

function describeError(error: unknown): string {
  if (error instanceof InvariantError || !(error instanceof Error)) {
    return `bug: ${error instanceof Error ? error.stack : String(error)}`;
  }
  const code = errorCode(error);
  if (!(error instanceof CodedError) && code === 'ERR_UNKNOWN') return `bug: ${error.stack}`;
  const remedy = remedyOf(code);
  return `error: ${error.message} (${code})${remedy === undefined ? '' : `\n${remedy}`}`;
}

async function askAtTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

/** The command line of the demo. */
import { Command, InvalidArgumentError } from 'commander';

/** Heights per second of a lively chain: five. */
const DEFAULT_INTERVAL_MS = 200;

/** What the demo was told. */
export interface DemoOptions {
  /** Heights after which it ends by itself; `undefined` goes on until Ctrl-C. */
  readonly heights: number | undefined;
  readonly intervalMs: number;
  /** Whether the folder stays when the demo ends. */
  readonly keep: boolean;
}

/**
 * Reads the arguments after the script's name. `--help` and mistakes are answered by Commander,
 * which ends the process: exit 0 for the one, 1 for the others.
 */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const command = new Command('npm start --')
    .description(
      'Runs a signer on a fresh key in a temporary folder, and a scripted validator that has it sign a chain.',
    )
    .option('--heights <n>', 'end after this many heights (default: at Ctrl-C)', wholeNumber(1))
    .option(
      '--interval-ms <ms>',
      'time from one height to the next; 0 goes as fast as it can',
      wholeNumber(0),
      DEFAULT_INTERVAL_MS,
    )
    .option('--keep', 'leave the folder with home and log in place at the end', false)
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      '\nExamples:\n  npm start\n  npm start -- --heights 20\n  npm start -- --interval-ms 0 --keep\n',
    );
  command.parse([...args], { from: 'user' });
  const { heights, intervalMs, keep } = command.opts<{
    heights?: number;
    intervalMs: number;
    keep: boolean;
  }>();
  return { heights, intervalMs, keep };
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least) {
      throw new InvalidArgumentError(`It has to be a whole number of at least ${least}.`);
    }
    return value;
  };
}

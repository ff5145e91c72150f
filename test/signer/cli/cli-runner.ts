/** The command line in this process: what it prints, and how it ends. */
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { run } from '@privval/signer/cli/main';
import type { Devices } from '@privval/signer/keyring/devices';

/** What a command did. */
export interface CliResult {
  readonly exitCode: number;
  readonly output: string;
  readonly notes: string;
}

/**
 * Runs `signer ARGS`; `answer` is what a person at the terminal types, if there is one.
 * @param devices what is plugged in, instead of what is there
 */
export async function cli(
  args: readonly string[],
  answer?: string,
  devices?: () => Devices,
): Promise<CliResult> {
  const output: string[] = [];
  const notes: string[] = [];
  const exitCode = await run(args, {
    clock: systemClock,
    logger: silentLogger,
    print: (text) => output.push(text),
    note: (text) => notes.push(text),
    devices,
    ask: answer === undefined ? undefined : async () => answer,
  });
  return { exitCode, output: output.join('\n'), notes: notes.join('\n') };
}

/**
 * The command line: commands, flags, help. What a command does is in a file of its own, loaded when
 * it runs; and `serve`, whose first signature should not wait for it, loads no other command's flags.
 */
import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addServe } from './program-serve.ts';

/** The command line over `context`, as far as `args` need it. */
export async function createProgram(
  context: CliContext,
  args: readonly string[],
): Promise<Command> {
  const program = new Command('signer')
    .description('Remote signer for Tendermint and CometBFT validators.')
    .helpCommand(true)
    .addHelpText('after', EXAMPLES);
  program.exitOverride().configureOutput({
    writeOut: (text) => context.print(text.trimEnd()),
    writeErr: (text) => context.note(text.trimEnd()),
    outputError: (text, write) => write(`${text.trimEnd()} (ERR_USAGE)`),
  });
  if (args[0] === 'serve') addServe(program, context);
  else (await import('./program-commands.ts')).addCommands(program, context);
  return program;
}

const EXAMPLES = `
Examples:
  signer init --home ~/signer --chain-id my-chain --node unix:///run/node/privval.sock
  signer serve --home ~/signer
  signer keys show --home ~/signer --format cometbft
  signer state show --home ~/signer --json

Every command has examples: signer init --help. Exit codes: signer exit-codes.`;

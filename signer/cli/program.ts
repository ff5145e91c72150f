/**
 * The command line: commands, flags, help. What a command does is in a file of its own, loaded when
 * it runs: `serve` should not wait for the code of the others.
 */
import { Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { EXIT_CODE_TEXTS, EXIT_CODES } from './exit-codes.ts';
import { group, onHome, withHome } from './home-command.ts';
import { addHsm } from './hsm.ts';
import { addKeys } from './program-keys.ts';
import { addState } from './program-state.ts';
import { addInit, addValidators } from './program-validators.ts';

/** The whole command line over `context`. */
export function createProgram(context: CliContext): Command {
  const program = new Command('signer')
    .description('Remote signer for Tendermint and CometBFT validators.')
    .helpCommand(true)
    .addHelpText('after', EXAMPLES);
  program.exitOverride().configureOutput({
    writeOut: (text) => context.print(text.trimEnd()),
    writeErr: (text) => context.note(text.trimEnd()),
    outputError: (text, write) => write(`${text.trimEnd()} (ERR_USAGE)`),
  });
  addInit(program, context);
  addValidators(program, context);
  addServe(program, context);
  addKeys(program, context);
  addHsm(program, context);
  addIdentity(program, context);
  addState(program, context);
  addStatus(program, context);
  addVersion(program, context);
  addExitCodes(program, context);
  return program;
}

const EXAMPLES = `
Examples:
  signer init --home ~/signer --chain-id my-chain --node unix:///run/node/privval.sock
  signer serve --home ~/signer
  signer keys show --home ~/signer --format cometbft
  signer state show --home ~/signer --json

Every command has examples: signer init --help. Exit codes: signer exit-codes.`;

function addServe(program: Command, context: CliContext): void {
  withHome(program.command('serve'))
    .description('sign for the nodes of signer.toml until SIGTERM')
    .option(
      '--log-level <level>',
      'debug, info, warn or error; above PRIVVAL_LOG_LEVEL and signer.toml',
    )
    .option('--log-format <format>', 'json or text; above PRIVVAL_LOG_FORMAT and signer.toml')
    .addHelpText(
      'after',
      `
The log goes to standard error. SIGTERM finishes the answer in flight and exits 0 in under a
second; a second signal ends at once.

Examples:
  signer serve --home ~/signer
  signer serve --home ~/signer --log-format text --log-level debug`,
    )
    .action(async (flags) => (await import('./serve.ts')).runServe(context, flags));
}

function addIdentity(program: Command, context: CliContext): void {
  const identity = group(program, 'identity', "the signer's own identity");
  onHome(identity, 'show', 'print what a node pins, on one line')
    .addOption(
      new Option('--format <format>', 'node-id for tcp://, libp2p for noise://')
        .choices(['node-id', 'libp2p', 'hex'])
        .default('node-id'),
    )
    .addHelpText(
      'after',
      `
Examples:
  signer identity show --home ~/signer --format libp2p`,
    )
    .action(async (flags) => (await import('./identity.ts')).runIdentityShow(context, flags));
}

function addStatus(program: Command, context: CliContext): void {
  onHome(program, 'status', 'what the running signer does: validators, nodes, floors').action(
    async (flags) => (await import('./status.ts')).runStatus(context, flags),
  );
}

function addVersion(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('print versions')
    .option('--json', 'print JSON')
    .action(async (flags) => (await import('./version.ts')).runVersion(context, flags));
}

function addExitCodes(program: Command, context: CliContext): void {
  const lines = Object.entries(EXIT_CODE_TEXTS).map(
    ([name, text]) => `${String(EXIT_CODES[name as keyof typeof EXIT_CODES]).padStart(2)}  ${text}`,
  );
  program
    .command('exit-codes')
    .description('print what exit codes mean')
    .addHelpText('after', `\n${lines.join('\n')}`)
    .action(() => context.print(lines.join('\n')));
}

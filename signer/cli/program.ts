/**
 * The command line: commands, flags, help. What a command does is in a file of its own, loaded when
 * it runs: `serve` should not wait for the code of the others.
 */
import { Command, Option } from 'commander';
import { HOME_VARIABLE } from '../config/home-variable.ts';
import { parseHeight } from '../home/height.ts';
import { type CliContext, UsageError } from './context.ts';
import { EXIT_CODE_TEXTS, EXIT_CODES } from './exit-codes.ts';

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

function addInit(program: Command, context: CliContext): void {
  onHome(program, 'init', 'make a home: identity, validator, key, floor, signer.toml')
    .requiredOption('--chain-id <id>', 'the chain, as its genesis file names it')
    .option('--validator <name>', 'name of the validator (default: the chain id)')
    .addHelpText(
      'after',
      `
Examples:
  A fresh key, encrypted at rest, for a node on this machine:
    signer init --home ~/signer --chain-id my-chain --node unix:///run/node/privval.sock --passphrase-file ~/pass
  The key of a validator that exists. Stop its old signer first, for good:
    signer init --home ~/signer --chain-id my-chain --node tcp://10.0.0.5:26659 \\
      --key-file priv_validator_key.json --state-file priv_validator_state.json
  A Tendermint v0.35 node that dials the signer over gRPC with mutual TLS:
    signer init --home ~/signer --chain-id my-chain --grpc-listen 10.0.0.9:26660`,
    )
    .action(async (flags) => (await import('./init.ts')).runInit(context, flags));
  withValidatorFlags(program, 'init');
}

function addValidators(program: Command, context: CliContext): void {
  const validators = group(program, 'validators', 'validators of a home');
  onHome(validators, 'add <name>', 'add one validator; the home must not be served meanwhile')
    .requiredOption('--chain-id <id>', 'the chain, as its genesis file names it')
    .addHelpText(
      'after',
      `
Examples:
  signer validators add second --home ~/signer --chain-id other-chain --node tcp://10.0.0.6:26659`,
    )
    .action(async (name, flags) =>
      (await import('./validators.ts')).runValidatorsAdd(context, name, flags),
    );
  withValidatorFlags(validators, 'add');
  onHome(validators, 'list', 'list the validators, their chains and keys').action(async (flags) =>
    (await import('./validators.ts')).runValidatorsList(context, flags),
  );
}

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

function addKeys(program: Command, context: CliContext): void {
  const keys = group(program, 'keys', 'consensus keys');
  keys
    .command('generate')
    .description('make a key file outside any home, for signer init --key-file')
    .requiredOption('--out <file>', 'where; never overwritten')
    .option('--passphrase-file <file>', 'encrypt the key with the passphrase in this file')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
signer init makes a fresh key by itself; this is for making one beforehand or elsewhere.

Examples:
  signer keys generate --out key.json
  signer init --home ~/signer --chain-id my-chain --node ADDR --key-file key.json --floor-height 0`,
    )
    .action(async (flags) => (await import('./keys.ts')).runKeysGenerate(context, flags));
  keys
    .command('import <file>')
    .description(
      "write a key file in another form (--out), or put a validator's lost key file back (--home)",
    )
    .addOption(homeOption())
    .option('--validator <name>', 'whose key it is, where the home has more than one')
    .option('--out <file>', 'where the copy goes; never overwritten')
    .option(
      '--passphrase-file <file>',
      'with --out: encrypt the copy; without it the copy is plain',
    )
    .option('--from-passphrase-file <file>', 'opens the file that is imported')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Into a home it takes no key but the one the validator's floor is bound to: another key comes in
with its own floor, by signer validators add --key-file.

Examples:
  signer keys import priv_validator_key.json --out encrypted.json --passphrase-file pass
  signer keys import backup.json --home ~/signer --validator my-chain`,
    )
    .action(async (file, flags) => (await import('./keys.ts')).runKeysImport(context, file, flags));
  onHome(keys, 'list', 'list the keys and their files').action(async (flags) =>
    (await import('./keys.ts')).runKeysList(context, flags),
  );
  onHome(keys, 'show', 'print one public key on one line')
    .option('--validator <name>', 'whose, where there is more than one')
    .addOption(
      new Option('--format <format>', 'how')
        .choices(['cometbft', 'hex', 'bech32', 'address'])
        .default('cometbft'),
    )
    .option('--prefix <prefix>', 'of bech32 (default: cosmosvalconspub)')
    .addHelpText(
      'after',
      `
Examples:
  signer keys show --home ~/signer --format cometbft
  signer keys show --home ~/signer --format bech32 --prefix osmovalconspub`,
    )
    .action(async (flags) => (await import('./keys.ts')).runKeysShow(context, flags));
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

function addState(program: Command, context: CliContext): void {
  const state = group(program, 'state', 'floors: what was signed last');
  onHome(state, 'show', 'show every floor, also while the home is served').action(async (flags) =>
    (await import('./state.ts')).runStateShow(context, flags),
  );
  onHome(state, 'export', "write a validator's floor as priv_validator_state.json")
    .option('--validator <name>', 'whose, where there is more than one')
    .option('--out <file>', 'where, instead of standard output; never overwritten')
    .addHelpText(
      'after',
      `
While the home is served the file is marked stale: it is not the signer's last word.

Examples:
  signer state export --home ~/signer --out priv_validator_state.json`,
    )
    .action(async (flags) => (await import('./state.ts')).runStateExport(context, flags));
  onHome(state, 'import [file]', 'raise a floor to a state file or a height; never lowers it')
    .option('--validator <name>', 'whose, where there is more than one')
    .option('--floor-height <n>', HEIGHT_TEXT, parseHeight)
    .option('--confirm <name>', "the validator's name: a raised floor is never lowered again")
    .addHelpText(
      'after',
      `
Examples:
  signer state import priv_validator_state.json --home ~/signer --confirm my-chain
  signer state import --floor-height 1200000 --home ~/signer --confirm my-chain`,
    )
    .action(async (file, flags) =>
      (await import('./state.ts')).runStateImport(context, file, flags),
    );
  onHome(state, 'init', 'give validators of signer.toml that have no floor one (lost floor.db)')
    .option('--validator <name>', 'only this one')
    .option(...floorHeights())
    .addHelpText('after', RECOVERY_TEXT)
    .action(async (flags) => (await import('./recovery.ts')).runStateInit(context, flags));
  onHome(state, 'recover', 'raise every floor of a store that was set back or lost its mark')
    .option(...floorHeights())
    .option('--confirm <name>', 'a name whose floor may jump more than 10,000,000 heights', collect)
    .addHelpText('after', RECOVERY_TEXT)
    .action(async (flags) => (await import('./recovery.ts')).runStateRecover(context, flags));
}

const HEIGHT_TEXT = 'everything at this height and below is refused';

const RECOVERY_TEXT = `
N must be at or above everything the key can have signed: take the chain's newest height from a node
you trust, and make sure that no other signer holds the key. Chains differ: NAME=N, once for each.

Examples:
  floor.db was lost or moved aside:
    signer state init --home ~/signer --floor-height 1200000
  floor.db was restored from a copy, or floor.mark is missing:
    signer state recover --home ~/signer --floor-height main=1200000 --floor-height other=87000`;

function floorHeights(): [string, string, (value: string, all?: string[]) => string[]] {
  return ['--floor-height <[name=]n>', `${HEIGHT_TEXT}; for all, or for one by name`, collect];
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

function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description);
}

/** A command on a home that prints data. */
function onHome(parent: Command, usage: string, description: string): Command {
  return withHome(parent.command(usage)).description(description).option('--json', 'print JSON');
}

function withHome(command: Command): Command {
  return command.addOption(homeOption()).hook('preAction', () => {
    const { home } = command.opts<{ readonly home?: string }>();
    if (home === undefined) {
      throw new UsageError(`which home? Give --home DIR, or set ${HOME_VARIABLE}`);
    }
  });
}

function homeOption(): Option {
  return new Option('--home <dir>', 'folder of the signer').env(HOME_VARIABLE);
}

/** The flags `init` and `validators add` have in common. */
function withValidatorFlags(parent: Command, name: string): void {
  const command = parent.commands.find((candidate) => candidate.name() === name);
  command
    ?.option(
      '--node <addr>',
      'where to dial, repeated for more: tcp://[id@]host:port, unix://path, noise://peerid@ip:port',
      collect,
    )
    .option('--key-file <file>', 'bring in this key; needs --state-file or --floor-height')
    .option('--state-file <file>', 'what that key has signed: its priv_validator_state.json')
    .option('--floor-height <n>', HEIGHT_TEXT, parseHeight)
    .option('--passphrase-file <file>', 'encrypt the key at rest with the passphrase in this file')
    .option('--grpc-listen <host:port>', 'serve gRPC for a v0.35 node that dials this signer')
    .option('--grpc-cert <file>', "the listener's certificate (made when absent)")
    .option('--grpc-key <file>', 'its key')
    .option('--grpc-client-ca <file>', "authority of the node's certificate (made when absent)")
    .option('--grpc-insecure', 'plaintext gRPC, on a loopback address only');
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

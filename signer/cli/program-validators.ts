/** `signer init` and `signer validators`: their flags and help. */
import type { Command } from 'commander';
import { parseHeight } from '../home/height.ts';
import type { CliContext } from './context.ts';
import { collect, group, HEIGHT_TEXT, onHome } from './home-command.ts';

/** `signer init`. */
export function addInit(program: Command, context: CliContext): void {
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

/** `signer validators add | list`. */
export function addValidators(program: Command, context: CliContext): void {
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

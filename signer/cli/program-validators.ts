/** `signer init` and `signer validators`: their flags and help. */
import { type Command, Option } from 'commander';
import { parseHeight } from '../home/height.ts';
import {
  parseConnectorUrl,
  parseKeyId,
  parseObjectId,
  parseSerial,
} from '../keyring/device-values.ts';
import { DEFAULT_CONNECTOR, PROVIDER_KINDS } from '../keyring/provider-options.ts';
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
    signer init --home ~/signer --chain-id my-chain --grpc-listen 10.0.0.9:26660
  A fresh key in a YubiHSM 2. Key 2 makes it and is forgotten, key 4 signs:
    signer init --home ~/signer --chain-id my-chain --node tcp://10.0.0.5:26659 \\
      --provider yubihsm --connector http://127.0.0.1:12345 --auth-key 4 --password-file validator.pass \\
      --generate --setup-auth-key 2 --setup-password-file operator.pass
  A key that a PKCS#11 token holds already:
    signer init --home ~/signer --chain-id my-chain --node tcp://10.0.0.5:26659 \\
      --provider pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --token validator --pin-file pin \\
      --key-label consensus --floor-height 1200000`,
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
    .option(
      '--rpc <url>',
      'RPC of the node given in the same place, http://host:port; more than nodes: witnesses',
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
    .option('--grpc-insecure', 'plaintext gRPC, on a loopback address only')
    .addOption(
      new Option('--provider <kind>', 'where the key is (default: file)').choices(PROVIDER_KINDS),
    )
    .option('--generate', 'have the device make a fresh key')
    .option(
      '--connector <url>',
      `yubihsm: its connector (default: ${DEFAULT_CONNECTOR})`,
      parseConnectorUrl,
    )
    .option('--auth-key <id>', 'yubihsm: the authentication key that signs', parseObjectId)
    .option('--password-file <file>', 'yubihsm: its password')
    .option(
      '--object-id <id>',
      'yubihsm: the key, decimal or 0x; needs --state-file or --floor-height unless it is generated',
      parseObjectId,
    )
    .option('--serial <digits>', 'yubihsm: take no other device than this one', parseSerial)
    .option(
      '--setup-auth-key <id>',
      'yubihsm: the authentication key that may generate; used once, not stored',
      parseObjectId,
    )
    .option('--setup-password-file <file>', 'yubihsm: its password')
    .option('--non-exportable', 'yubihsm: a key that can never be backed up')
    .option(
      '--standby-connector <url>',
      'yubihsm: the connector of a second device with the same key, which takes over',
      parseConnectorUrl,
    )
    .option('--standby-auth-key <id>', 'yubihsm: as --auth-key, on the second', parseObjectId)
    .option('--standby-password-file <file>', 'yubihsm: its password')
    .option('--standby-object-id <id>', 'yubihsm: the key there (default: the same)', parseObjectId)
    .option('--module <file>', "pkcs11: the vendor's library")
    .option('--token <label>', "pkcs11: the token's label")
    .option('--pin-file <file>', "pkcs11: the user's PIN")
    .option(
      '--key-label <label>',
      "pkcs11: the key; needs --state-file or --floor-height unless it is generated (default then: the validator's name)",
    )
    .option(
      '--key-id <id>',
      'pkcs11: the key by its CKA_ID, 0x and hexadecimal digits',
      parseKeyId,
    );
}

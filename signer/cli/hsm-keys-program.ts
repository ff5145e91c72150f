/** `signer hsm keys`: its flags and help. */
import { type Command, Option } from 'commander';
import { parseConnectorUrl, parseObjectId } from '../keyring/device-values.ts';
import type { CliContext } from './context.ts';
import { group } from './home-command.ts';
import { withAccess } from './hsm-flags.ts';

/** `signer hsm keys generate | list | export | import`. */
export function addHsmKeys(hsm: Command, context: CliContext): void {
  const keys = group(hsm, 'keys', 'keys in a device; bringing one into a home is signer init');
  addGenerate(keys, context);
  withAccess(keys.command('list'))
    .description('list the keys that this authentication key, or this PIN, sees')
    .addHelpText(
      'after',
      `
Examples:
  signer hsm keys list --auth-key 4 --password-file device/validator.password --json`,
    )
    .action(async (flags) => (await import('./hsm-keys.ts')).runHsmKeysList(context, flags));
  addExport(keys, context);
  addImport(keys, context);
}

function addGenerate(keys: Command, context: CliContext): void {
  const command = withAccess(keys.command('generate [id]'))
    .description('have the device make an Ed25519 key')
    .option('--label <text>', 'up to 40 bytes (default: consensus:TIME); pkcs11: required')
    .option('--domains <list>', 'yubihsm: 1,16 or all (default: 1, where the validator role is)')
    .option('--non-exportable', 'yubihsm: a key that can never be backed up')
    .option('--attestation <file>', "yubihsm: write the device's statement about the key, as PEM")
    .option('--backup <file>', 'yubihsm: write a backup under the wrap key, mode 0600')
    .addHelpText(
      'after',
      `
<id> is decimal or 0x; without it one that is free is taken. signer init --generate makes a key and its home
in one step; this is for a key whose backup is to be seen first. Give it to a home afterwards:
  signer init --home DIR … --provider yubihsm --object-id ID --floor-height 0

A backup is worth what its restoring has shown: with --backup-connector the key is restored on a
second device that was set up with the same recovery phrase, its public key is compared, and it
signs a check message there. The second device then holds the key: keep it unplugged.

Examples:
  signer hsm keys generate 0x0064 --auth-key 2 --password-file device/operator.password --backup key.wrap
  signer hsm keys generate 100 --auth-key 2 --password-file device/operator.password --backup key.wrap \\
    --backup-connector http://127.0.0.1:12346 --backup-auth-key 2 --backup-password-file device/operator.password \\
    --backup-test-auth-key 4 --backup-test-password-file device/validator.password
  signer hsm keys generate --provider pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --token validator \\
    --pin-file pin --label consensus`,
    )
    .action(async (id, flags) =>
      (await import('./hsm-keys.ts')).runHsmKeysGenerate(context, id, flags),
    );
  withBackupFlags(command);
}

function addExport(keys: Command, context: CliContext): void {
  const command = withAccess(keys.command('export <file>'))
    .description('yubihsm: write a backup of a key under the wrap key, mode 0600')
    .requiredOption('-i, --object-id <id>', 'the key, decimal or 0x', parseObjectId)
    .addHelpText(
      'after',
      `
The file is the base64 that tmkms and Yubico's tools read. It opens with the wrap key alone, which
the recovery phrase gives: phrase and backup together are the key.

Examples:
  signer hsm keys export -i 0x0064 key.wrap --auth-key 2 --password-file device/operator.password`,
    )
    .action(async (file, flags) =>
      (await import('./hsm-keys.ts')).runHsmKeysExport(context, file, flags),
    );
  withBackupFlags(command);
}

function addImport(keys: Command, context: CliContext): void {
  withAccess(keys.command('import <file>'))
    .description('bring a key that exists elsewhere into a device')
    .addOption(
      new Option(
        '-t, --type <type>',
        'wrap: a backup; json: priv_validator_key.json or our encrypted format; base64: a seed (default: json for *.json, else wrap)',
      ).choices(['wrap', 'json', 'base64']),
    )
    .option(
      '-i, --object-id <id>',
      'its id on the device; not for wrap, which keeps its own',
      parseObjectId,
    )
    .option('--label <text>', 'json, base64: its label (pkcs11: required)')
    .option('--domains <list>', 'yubihsm: 1,16 or all (default: 1)')
    .option('--non-exportable', 'yubihsm: a key that cannot be exported from the device again')
    .option('--wrap-key <id>', 'yubihsm: the wrap key of the backup (default: 1)', parseObjectId)
    .option('--passphrase-file <file>', 'opens an encrypted key file')
    .addHelpText(
      'after',
      `
A key in two places is two signers. Before the imported key signs anything, whatever signed with it
must be stopped for good; and into a home it comes with what it has signed:
  signer init --home DIR … --provider yubihsm --object-id ID --floor-height N

Examples:
  signer hsm keys import key.wrap --auth-key 2 --password-file device/operator.password
  signer hsm keys import priv_validator_key.json -i 0x0064 --auth-key 2 --password-file device/operator.password`,
    )
    .action(async (file, flags) =>
      (await import('./hsm-keys.ts')).runHsmKeysImport(context, file, flags),
    );
}

/** How a backup is made and verified. */
function withBackupFlags(command: Command): void {
  command
    .option('--wrap-key <id>', 'yubihsm: the wrap key of the backup (default: 1)', parseObjectId)
    .option(
      '--backup-connector <url>',
      'verify the backup on this second device',
      parseConnectorUrl,
    )
    .option('--backup-auth-key <id>', 'who restores it there', parseObjectId)
    .option('--backup-password-file <file>', 'its password')
    .option('--backup-wrap-key <id>', 'the wrap key there (default: as --wrap-key)', parseObjectId)
    .option(
      '--backup-test-auth-key <id>',
      'who signs the check message there, where the other may not',
      parseObjectId,
    )
    .option('--backup-test-password-file <file>', 'its password');
}

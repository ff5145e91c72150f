/** `signer keys`: its flags and help. */
import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { group, homeOption, onHome } from './home-command.ts';
import { addRotate } from './program-rotate.ts';

/** `signer keys generate | import | list | show | rotate`. */
export function addKeys(program: Command, context: CliContext): void {
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
  addRotate(keys, context);
}

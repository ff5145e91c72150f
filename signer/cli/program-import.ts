/** `signer import`: its flags and help. */
import type { Command } from 'commander';
import { parseHeight } from '../home/height.ts';
import { parseConnectorUrl } from '../keyring/device-values.ts';
import { DEFAULT_CONNECTOR } from '../keyring/provider-options.ts';
import type { CliContext } from './context.ts';
import { collect, group, HEIGHT_TEXT, onHome } from './home-command.ts';

/** `signer import tmkms | horcrux | kms | filepv`. */
export function addImport(program: Command, context: CliContext): void {
  const signers = group(program, 'import', 'take validators over from another signer');
  const under = (usage: string, description: string): Command =>
    withCommonFlags(onHome(signers, usage, description));

  under('tmkms <path>', 'from tmkms: tmkms.toml, or its folder')
    .option('--workdir <dir>', 'where tmkms is started (default: the folder of tmkms.toml)')
    .option(
      '--connector <url>',
      `a YubiHSM's connector (default: as tmkms has it, or ${DEFAULT_CONNECTOR})`,
      parseConnectorUrl,
    )
    .option('--password-file <file>', "a YubiHSM's password, when it stands in tmkms.toml itself")
    .addHelpText(
      'after',
      `${ORDER}
Examples:
  signer import tmkms ~/tmkms --home ~/signer --dry-run
  signer import tmkms ~/tmkms --home ~/signer --passphrase-file ~/pass
  signer import tmkms ~/tmkms --home ~/signer --chain-id my-chain --floor-height 1200000`,
    )
    .action(async (path, flags) => (await command()).runImportTmkms(context, path, flags));

  under('horcrux <path>', 'from horcrux v3: the home of one of its cosigners')
    .option('--key-file <file>', 'threshold mode: the priv_validator_key.json that was sharded')
    .option(
      '--cosigner <dir>',
      "another cosigner's home, for its state; repeated for more",
      collect,
    )
    .addHelpText(
      'after',
      `${ORDER}
In threshold mode no single cosigner knows what was signed: with T of N cosigners, the states of
N - T + 1 are needed.

Examples:
  signer import horcrux ~/cosigner-1 --cosigner ~/cosigner-2 --key-file priv_validator_key.json \\
    --home ~/signer --passphrase-file ~/pass`,
    )
    .action(async (path, flags) => (await command()).runImportHorcrux(context, path, flags));

  under('kms <path>', 'from cosmos kms: its home, or kms.yaml')
    .option('--token <label>', "the token's label, where kms.yaml has the number of a slot")
    .option('--pin-file <file>', 'its PIN, where kms.yaml has it, or the name of a variable')
    .addHelpText(
      'after',
      `${ORDER}
Examples:
  signer import kms ~/.kms --home ~/signer --passphrase-file ~/pass`,
    )
    .action(async (path, flags) => (await command()).runImportKms(context, path, flags));

  under('filepv <path>', "from a node that signs itself: the node's home, or its key file")
    .addHelpText(
      'after',
      `${ORDER}
Examples:
  signer import filepv ~/.gaia --home ~/signer --node tcp://127.0.0.1:26659
  signer import filepv priv_validator_key.json --state-file priv_validator_state.json \\
    --chain-id my-chain --node tcp://10.0.0.5:26659 --home ~/signer`,
    )
    .action(async (path, flags) => (await command()).runImportFilePv(context, path, flags));
}

const command = () => import('./import.ts');

function withCommonFlags(child: Command): Command {
  return child
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--chain-id <id>', 'only this chain; needed where nothing tells which one it is')
    .option('--validator <name>', 'name of the validator here (default: the chain id)')
    .option('--node <addr>', 'where to dial, instead of where it did; repeated for more', collect)
    .option(
      '--state-file <file>',
      'one more state of the same key; the highest of all counts; repeated for more',
      collect,
    )
    .option('--floor-height <n>', `${HEIGHT_TEXT}; the higher of this and the states`, parseHeight)
    .option('--passphrase-file <file>', 'encrypt the key at rest with the passphrase in this file');
}

const ORDER = `
First stop the other signer, for good: a key that two of them sign with is slashed. Its files are
read and never changed. What is going to be done is printed before it is done.
`;

/** `signer state`: its flags and help. */
import { type Command, Option } from 'commander';
import { parseHeight } from '../home/height.ts';
import type { CliContext } from './context.ts';
import { collect, group, HEIGHT_TEXT, onHome } from './home-command.ts';

/** `signer state show | export | import | convert | init | recover`. */
export function addState(program: Command, context: CliContext): void {
  const state = group(program, 'state', 'floors: what was signed last');
  onHome(state, 'show', 'show every floor, also while the home is served').action(async (flags) =>
    (await import('./state.ts')).runStateShow(context, flags),
  );
  onHome(state, 'export', "write a validator's floor as priv_validator_state.json")
    .option('--validator <name>', 'whose, where there is more than one')
    .option('--out <file>', 'where, instead of standard output; never overwritten')
    .option('--hand-over', 'freeze it for good first: another signer signs from here on')
    .addHelpText(
      'after',
      `
While the home is served the file is marked stale: it is not the signer's last word. With
--hand-over nothing more is signed here, and the file is the last word.

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
  state
    .command('convert <file>')
    .description('write an exported state as another signer keeps it')
    .addOption(new Option('--to <signer>', 'whose').choices(['tmkms']).makeOptionMandatory())
    .option('--out <file>', 'where, instead of standard output; never overwritten')
    .addHelpText(
      'after',
      `
FilePV, cosmos kms and horcrux take the export as it is; see docs/migrate.

Examples:
  signer state convert hand-over.json --to tmkms --out state/my-chain-consensus.json`,
    )
    .action(async (file, flags) =>
      (await import('./state-convert.ts')).runStateConvert(context, file, flags),
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

/** `signer keys rotate …`: its flags and help. */
import { type Command, Option } from 'commander';
import { parseHeight } from '../home/height.ts';
import { parseKeyId } from '../keyring/device-values.ts';
import { PROVIDER_KINDS } from '../keyring/provider-options.ts';
import type { CliContext } from './context.ts';
import { group, onHome } from './home-command.ts';
import { withApproval, withConfirm, withValidator } from './validator-command.ts';

/** Adds it below `signer keys`. */
export function addRotate(keys: Command, context: CliContext): void {
  const rotate = group(keys, 'rotate', 'change the consensus key while the chain runs');
  rotate.addHelpText(
    'after',
    `
plan, generate, prove, tx; then somebody sends the transactions; the running signer sees them in a
block and switches by itself at the right height; verify waits for that. finish, weeks later,
destroys the old key. run does all of it up to verify.

Examples:
  signer keys rotate run --home ~/signer --format sdk
  signer keys rotate status --home ~/signer`,
  );
  withValidator(
    onHome(rotate, 'plan', 'look whether a rotation can begin; changes nothing'),
  ).action(async (flags) => (await import('./rotate.ts')).runPlan(context, flags));
  withKeyFlags(
    withValidator(onHome(rotate, 'generate', 'make the new key where the present one is')),
  ).action(async (flags) => (await import('./rotate.ts')).runGenerate(context, flags));
  withOperator(
    withValidator(onHome(rotate, 'prove', 'have the new key sign its proof of possession')),
  ).action(async (flags) => (await import('./rotate.ts')).runProve(context, flags));
  withTxFlags(
    withValidator(onHome(rotate, 'tx', 'print what the wallet sends, one transaction a line')),
  ).action(async (flags) => (await import('./rotate.ts')).runTx(context, flags));
  withApproval(
    withConfirm(
      withValidator(
        onHome(rotate, 'arm', 'say by hand from which height on the new key signs')
          .requiredOption('--at-height <a>', 'the first height of the new key', parseHeight)
          .option('--passed', 'height A - 1 is committed already: the signer was away meanwhile'),
      ),
    ),
  ).action(async (flags) => (await import('./rotate.ts')).runArm(context, flags));
  withValidator(onHome(rotate, 'status', 'show the newest rotation')).action(async (flags) =>
    (await import('./rotate.ts')).runStatus(context, flags),
  );
  withValidator(
    onHome(rotate, 'verify', 'wait until the new key is seen at work; exit code 1 if it is not'),
  ).action(async (flags) => (await import('./rotate.ts')).runVerify(context, flags));
  withApproval(
    withConfirm(
      withValidator(
        onHome(rotate, 'finish', 'destroy the old key once no evidence can count against it')
          .option('--key <hex>', 'which old key (default: the one that retired first)')
          .option('--window-over', 'you know that evidence can no longer count; without an RPC'),
      ),
    ),
  ).action(async (flags) => (await import('./rotate.ts')).runFinish(context, flags));
  withValidator(
    onHome(rotate, 'abort', 'give up a rotation that is in no block; its key is kept'),
  ).action(async (flags) => (await import('./rotate.ts')).runAbort(context, flags));
  withTxFlags(
    withKeyFlags(
      withValidator(onHome(rotate, 'run', 'every step that needs no wallet, in one go')),
    ),
  )
    .addHelpText('after', '\nIt may be interrupted and called again: it goes on where it was.')
    .action(async (flags) => (await import('./rotate-run.ts')).runRun(context, flags));
}

function withKeyFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--provider <kind>',
        'where the new key is made (default: as the present one)',
      ).choices(PROVIDER_KINDS),
    )
    .option('--passphrase-file <file>', 'file: encrypts the new key')
    .option('--setup-auth-key <id>', 'yubihsm: makes the key, used once', parseKeyId)
    .option('--setup-password-file <file>', 'its password')
    .option('--non-exportable', 'yubihsm: the key can never be backed up')
    .option('--key-label <label>', 'pkcs11: label of the new key');
}

function withOperator(command: Command): Command {
  return command.option('--operator <address>', 'valoper address, part of the proof');
}

function withTxFlags(command: Command): Command {
  return withOperator(command)
    .addOption(
      new Option(
        '--format <format>',
        'sdk: pubkey JSON and unsigned message; kvstore: val= transactions',
      )
        .choices(['sdk', 'kvstore'])
        .makeOptionMandatory(),
    )
    .option('--power <n>', 'kvstore without an RPC: the power of the present key');
}

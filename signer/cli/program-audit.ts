/** `signer audit`: its flags and help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseHeight } from '../home/height.ts';
import type { CliContext } from './context.ts';
import { collect, group, onHome } from './home-command.ts';

/** `signer audit verify | show | export | checkpoint`. The logs of devices are `signer hsm audit`. */
export function addAudit(program: Command, context: CliContext): void {
  const audit = group(program, 'audit', 'what was decided and done, chained and checkable');
  onHome(audit, 'verify', 'look whether every entry is as it was written')
    .option(
      '--checkpoint <file>',
      'a checkpoint that was kept elsewhere, to be held against the log',
    )
    .addHelpText(
      'after',
      `
Exit code 1 when something is not as written. Also while the home is served.

Examples:
  signer audit verify --home ~/signer
  signer audit verify --home ~/signer --checkpoint /mnt/safe/checkpoint-81230.json`,
    )
    .action(async (flags) => (await import('./audit.ts')).runAuditVerify(context, flags));
  filtered(onHome(audit, 'show', 'print entries, the newest ones unless told where to begin'))
    .option('--limit <n>', 'how many at the most', parseCount, 50)
    .addHelpText(
      'after',
      `
Examples:
  signer audit show --home ~/signer
  signer audit show --home ~/signer --kind act --kind floor --after 0
  signer audit show --home ~/signer --validator my-chain --from 81200 --to 81230`,
    )
    .action(async (flags) => (await import('./audit.ts')).runAuditShow(context, flags));
  filtered(onHome(audit, 'export', 'print every entry as one line of JSON, oldest first'))
    .addHelpText(
      'after',
      `
Examples:
  signer audit export --home ~/signer > audit.jsonl`,
    )
    .action(async (flags) => (await import('./audit.ts')).runAuditExport(context, flags));
  onHome(audit, 'checkpoint', 'have the running signer sign where its log is now')
    .addHelpText(
      'after',
      `
Examples:
  signer audit checkpoint --home ~/signer > /mnt/safe/checkpoint.json`,
    )
    .action(async (flags) => (await import('./audit.ts')).runAuditCheckpoint(context, flags));
}

function filtered(command: Command): Command {
  return command
    .option('--validator <name>', 'only about this one')
    .addOption(
      new Option('--kind <kind>', 'only of this kind; may be given again').argParser(collect),
    )
    .option('--after <n>', 'only entries with a higher number', parseHeight)
    .option('--from <height>', 'only decisions at this height and above', parseHeight)
    .option('--to <height>', 'only decisions at this height and below', parseHeight);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count;
  throw new InvalidArgumentError('a whole number from 1 to 100000 is needed');
}

/** `signer admin`: its flags and help. */
import { type Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { group, onHome } from './home-command.ts';

/** `signer admin token | certificate | list | revoke`. */
export function addAdmin(program: Command, context: CliContext): void {
  const admin = group(program, 'admin', 'who may use the admin API beside this user');
  admin.addHelpText(
    'after',
    `
A viewer sees, an operator acts, an approver approves what an operator asked. They are in the file
that [admin] credentials_file in signer.toml names; tokens are kept there as their hashes.

Examples:
  signer admin token panel --role viewer --home ~/signer --expires 90d
  signer admin token ada --role approver --home ~/signer --out ada.token
  signer admin certificate oscar oscar.crt --role operator --home ~/signer
  signer admin revoke panel --home ~/signer`,
  );
  withRole(onHome(admin, 'token <name>', 'make a bearer token; it is shown once'))
    .option('--out <file>', 'where the token goes (mode 0600), instead of standard output')
    .action(async (name, flags) =>
      (await import('./admin-token.ts')).runAdminToken(context, name, flags),
    );
  withRole(onHome(admin, 'certificate <name> <file>', 'let a client certificate (PEM) in')).action(
    async (name, file, flags) =>
      (await import('./admin-token.ts')).runAdminCertificate(context, name, file, flags),
  );
  onHome(admin, 'list', 'show who is let in, and as what').action(async (flags) =>
    (await import('./admin-token.ts')).runAdminList(context, flags),
  );
  onHome(admin, 'revoke <name>', 'let somebody in no longer, at once').action(async (name, flags) =>
    (await import('./admin-token.ts')).runAdminRevoke(context, name, flags),
  );
}

function withRole(command: Command): Command {
  return command
    .addOption(
      new Option('--role <role>', 'what they may')
        .choices(['viewer', 'operator', 'approver'])
        .makeOptionMandatory(),
    )
    .option('--expires <when>', 'days (90d) or a time (2027-01-31T00:00:00Z); never if left out');
}

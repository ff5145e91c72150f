/** `signer serve`: its flags and help. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { withHome } from './home-command.ts';

/** `signer serve`. */
export function addServe(program: Command, context: CliContext): void {
  withHome(program.command('serve'))
    .description('sign for the nodes of signer.toml until SIGTERM')
    .option(
      '--log-level <level>',
      'debug, info, warn or error; above PRIVVAL_LOG_LEVEL and signer.toml',
    )
    .option('--log-format <format>', 'json or text; above PRIVVAL_LOG_FORMAT and signer.toml')
    .option('--http <host:port>', 'health, metrics and the status page, read-only, without a login')
    .option('--http-public', 'an address that other machines reach is meant')
    .addHelpText(
      'after',
      `
The log goes to standard error. SIGTERM finishes the answer in flight and exits 0 in under a
second; a second signal ends at once.

Examples:
  signer serve --home ~/signer
  signer serve --home ~/signer --http 127.0.0.1:26680
  signer serve --home ~/signer --log-format text --log-level debug`,
    )
    .action(async (flags) => (await import('./serve.ts')).runServe(context, flags));
}

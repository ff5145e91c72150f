/** What commands on one validator of a running signer have in common. */
import type { Command } from 'commander';

/** `--validator`. */
export function withValidator(command: Command): Command {
  return command.option('--validator <name>', 'which, where there is more than one');
}

/** `--confirm`. */
export function withConfirm(command: Command): Command {
  return command.option('--confirm <name>', "the validator's name: it cannot be taken back");
}

/** `--approval`, for two-person mode. */
export function withApproval(command: Command): Command {
  return command.option('--approval <id>', 'in two-person mode: what a second person approved');
}

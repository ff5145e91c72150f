/** What the commands on a home have in common: `--home`, `--json`, values that are given more than once. */
import { type Command, Option } from 'commander';
import { HOME_VARIABLE } from '../config/home-variable.ts';
import { UsageError } from './context.ts';

/** What `--floor-height` means, for help. */
export const HEIGHT_TEXT = 'everything at this height and below is refused';

/** A command that only holds others. */
export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description);
}

/** A command on a home that prints data. */
export function onHome(parent: Command, usage: string, description: string): Command {
  return withHome(parent.command(usage)).description(description).option('--json', 'print JSON');
}

/** A command on a home. It is refused without one. */
export function withHome(command: Command): Command {
  return command.addOption(homeOption()).hook('preAction', () => {
    const { home } = command.opts<{ readonly home?: string }>();
    if (home === undefined) {
      throw new UsageError(`which home? Give --home DIR, or set ${HOME_VARIABLE}`);
    }
  });
}

/** `--home`, or its variable. */
export function homeOption(): Option {
  return new Option('--home <dir>', 'folder of the signer').env(HOME_VARIABLE);
}

/** Parser of an option that may be given more than once. */
export function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

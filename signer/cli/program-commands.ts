/** Every command, in the order in which the help shows them. */
import { Argument, type Command, Option } from 'commander';
import { parseHeight } from '../home/height.ts';
import { SHELLS, type Shell } from './completion.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODE_TEXTS, EXIT_CODES } from './exit-codes.ts';
import { group, onHome } from './home-command.ts';
import { addHsm } from './hsm.ts';
import { addAdmin } from './program-admin.ts';
import { addAudit } from './program-audit.ts';
import { addImport } from './program-import.ts';
import { addKeys } from './program-keys.ts';
import { addOperate } from './program-operate.ts';
import { addServe } from './program-serve.ts';
import { addState } from './program-state.ts';
import { addInit, addValidators } from './program-validators.ts';
import { withValidator } from './validator-command.ts';

/** Adds all of them. */
export function addCommands(program: Command, context: CliContext): void {
  addInit(program, context);
  addValidators(program, context);
  addServe(program, context);
  addKeys(program, context);
  addHsm(program, context);
  addIdentity(program, context);
  addState(program, context);
  addAudit(program, context);
  addImport(program, context);
  addOperate(program, context);
  addAdmin(program, context);
  addWhy(program, context);
  addDoctor(program, context);
  addStatus(program, context);
  addCompletion(program, context);
  addVersion(program, context);
  addExitCodes(program, context);
}

function addIdentity(program: Command, context: CliContext): void {
  const identity = group(program, 'identity', "the signer's own identity");
  onHome(identity, 'show', 'print what a node pins, on one line')
    .addOption(
      new Option('--format <format>', 'node-id for tcp://, libp2p for noise://')
        .choices(['node-id', 'libp2p', 'hex'])
        .default('node-id'),
    )
    .addHelpText(
      'after',
      `
Examples:
  signer identity show --home ~/signer --format libp2p`,
    )
    .action(async (flags) => (await import('./identity.ts')).runIdentityShow(context, flags));
}

function addStatus(program: Command, context: CliContext): void {
  onHome(program, 'status', 'what the running signer does: validators, nodes, floors').action(
    async (flags) => (await import('./status.ts')).runStatus(context, flags),
  );
}

function addWhy(program: Command, context: CliContext): void {
  withValidator(onHome(program, 'why <height>', 'what happened to the votes of a height'))
    .addHelpText(
      'after',
      `
Examples:
  signer why 1204711 --home ~/signer`,
    )
    .action(async (height: string, flags) =>
      (await import('./why.ts')).runWhy(context, parseHeight(height), flags),
    );
}

function addDoctor(program: Command, context: CliContext): void {
  onHome(program, 'doctor', 'look at everything that can keep the signer from signing')
    .addHelpText('after', '\nExit code 1 when something is bad; each such row says what to do.')
    .action(async (flags) => (await import('./doctor.ts')).runDoctor(context, flags));
}

function addCompletion(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(signer completion bash)
  signer completion fish > ~/.config/fish/completions/signer.fish`,
    )
    .action(async (shell: Shell) =>
      (await import('./completion.ts')).runCompletion(context, program, shell),
    );
}

function addVersion(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('print versions')
    .option('--json', 'print JSON')
    .action(async (flags) => (await import('./version.ts')).runVersion(context, flags));
}

function addExitCodes(program: Command, context: CliContext): void {
  const lines = Object.entries(EXIT_CODE_TEXTS).map(
    ([name, text]) => `${String(EXIT_CODES[name as keyof typeof EXIT_CODES]).padStart(2)}  ${text}`,
  );
  program
    .command('exit-codes')
    .description('print what exit codes mean')
    .addHelpText('after', `\n${lines.join('\n')}`)
    .action(() => context.print(lines.join('\n')));
}

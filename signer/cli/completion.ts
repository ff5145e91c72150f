/** `signer completion bash | zsh | fish`: a script for the shell, made from the commands there are. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** Shells there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** One of them. */
export type Shell = (typeof SHELLS)[number];

/** What may follow a command: `keys rotate` → its own commands and flags. */
interface Place {
  readonly path: string;
  readonly words: readonly string[];
}

/** Prints the script. It asks nothing of a home and starts no process when it is used. */
export function runCompletion(context: CliContext, program: Command, shell: Shell): void {
  context.print(SCRIPTS[shell](places(program, '')));
}

function places(command: Command, path: string): readonly Place[] {
  const commands = command.commands.filter((child) => child.name() !== 'help');
  const flags = command.options.flatMap(({ long }) => long ?? []);
  const own = { path, words: [...commands.map((child) => child.name()), ...flags, '--help'] };
  return [
    own,
    ...commands.flatMap((child) => places(child, `${path} ${child.name()}`.trimStart())),
  ];
}

const SCRIPTS: Readonly<Record<Shell, (all: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: (all) => `autoload -U +X bashcompinit && bashcompinit\n${bashScript(all)}`,
  fish: fishScript,
};

function bashScript(all: readonly Place[]): string {
  const commands = all.flatMap(({ path }) => (path === '' ? [] : [`    '${path}') : ;;`]));
  const cases = all.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `_signer_is_command() {
  case "$1" in
${commands.join('\n')}
    *) return 1 ;;
  esac
}
_signer() {
  local path='' next words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    _signer_is_command "$next" && path="$next"
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _signer signer`;
}

function fishScript(all: readonly Place[]): string {
  const lines = all.flatMap(({ path, words }) =>
    words.map((word) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c signer -n "__signer_at '${path}'" ${what}`;
    }),
  );
  const paths = all.map(({ path }) => `'${path}'`).join(' ');
  return `function __signer_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    contains -- "$next" ${paths}; and set path "$next"
  end
  test "$path" = "$argv[1]"
end
complete -c signer -f
${lines.join('\n')}`;
}

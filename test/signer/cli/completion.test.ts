import { execFileSync } from 'node:child_process';
import { silentLogger } from '@privval/proto/runtime/logger';
import { runCompletion, type Shell } from '@privval/signer/cli/completion';
import type { CliContext } from '@privval/signer/cli/context';
import { createProgram } from '@privval/signer/cli/program';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

async function scriptFor(shell: Shell): Promise<string> {
  const printed: string[] = [];
  const context: CliContext = {
    clock: new ManualClock(),
    logger: silentLogger,
    print: (text) => printed.push(text),
    note: () => undefined,
    ask: undefined,
  };
  runCompletion(context, await createProgram(context, ['completion', shell]), shell);
  return printed.join('\n');
}

/** What bash offers for the last of `words`. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const line = words.map((word) => `'${word}'`).join(' ');
  const asked = `${await scriptFor('bash')}
COMP_WORDS=(signer ${line}); COMP_CWORD=${words.length}; _signer; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-c', asked], { encoding: 'utf8' });
  return out.trim().split('\n');
}

test.each([
  [['ke'], ['keys']],
  [['keys', 'sh'], ['show']],
  [['keys', 'show', '--form'], ['--format']],
  [['state', '--home', '/x', 'exp'], ['export']],
])('bash offers for %j exactly %j', async (words, expected) => {
  expect(await offered(...words)).toEqual(expected);
});

test('every shell has every command', async () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const script = await scriptFor(shell);
    for (const command of ['init', 'serve', 'keys', 'state', 'hsm', 'audit', 'import']) {
      expect(script).toContain(command);
    }
  }
});

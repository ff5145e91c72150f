import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { COMMAND_ROUTES } from '@privval/signer/cli/command-routes';
import type { CliContext } from '@privval/signer/cli/context';
import { createProgram } from '@privval/signer/cli/program';
import { expect, test } from 'vitest';

const DOCS = join(import.meta.dirname, '../../../docs');
type Command = Awaited<ReturnType<typeof createProgram>>;

const GUIDES = globSync('migrate/*.md', { cwd: DOCS });

const context: CliContext = {
  clock: systemClock,
  logger: silentLogger,
  print: () => undefined,
  note: () => undefined,
  ask: undefined,
};

/** Flags that are promised with the routes they call. */
const routeFlags = COMMAND_ROUTES.flatMap(({ command }) =>
  command.split(' ').filter((word) => word.startsWith('--')),
);

/** Every `signer …` of a guide's shell blocks, joined where a line goes on, without comments. */
function commandsOf(guide: string): readonly string[] {
  const text = readFileSync(join(DOCS, guide), 'utf8');
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/\s#.*$/, '').trim())
    .filter((line) => line.startsWith('signer '));
}

/** The command that `words` name, and the flags among them. */
function find(program: Command, words: readonly string[]): readonly [Command, readonly string[]] {
  const [first, ...rest] = words;
  const child = program.commands.find((command) => command.name() === first);
  return child === undefined
    ? [
        program,
        words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? ''),
      ]
    : find(child, rest);
}

test('there is a guide for each signer, in both directions, with the danger first', () => {
  expect(GUIDES.toSorted()).toEqual(
    ['README', 'cosmos-kms', 'filepv', 'horcrux', 'tmkms'].map((name) => `migrate/${name}.md`),
  );
  for (const guide of GUIDES.filter((name) => !name.includes('README'))) {
    const text = readFileSync(join(DOCS, guide), 'utf8');
    expect(text, guide).toMatch(/^# [^\n]+\n\n> \*\*Never both at once\.\*\*/);
    expect(text, guide).toContain('\n## To privval\n');
    expect(text, guide).toMatch(/\n## From privval to /);
    expect(text, guide).toContain('signer state export --hand-over');
  }
});

test.each(GUIDES)('%s names commands and flags that exist', async (guide) => {
  const commands = commandsOf(guide);
  expect(commands.length).toBeGreaterThan(1);
  const program = await createProgram(context, []);
  for (const line of commands) {
    // `import a|b PATH` stands for either.
    const words = line
      .replaceAll(/(\S+?)\|\S+/g, '$1')
      .split(/\s+/)
      .slice(1);
    const [command, flags] = find(program, words);
    expect(command.name(), line).not.toBe('signer');
    expect(command.commands, line).toEqual([]);
    const known = [...command.options.map(({ long }) => long), ...routeFlags];
    expect(known, line).toEqual(expect.arrayContaining([...flags]));
  }
});

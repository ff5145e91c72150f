/** Changes single values in a node's `config.toml`, without a TOML library: the files are the nodes' own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { InvariantError } from '@privval/proto/runtime/coded-error';

/** One value: the table (`''` for the head of the file), the key, and the value as TypeScript has it. */
export interface Setting {
  readonly table: string;
  readonly key: string;
  readonly value: string | number | boolean;
}

/**
 * Writes the settings into the file. A key that is not in its table is a mistake about that version.
 *
 * @throws {InvariantError} when the file has no such key.
 */
export function changeSettings(path: string, settings: readonly Setting[]): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  for (const setting of settings) {
    const at = lineOf(lines, setting);
    lines[at] = `${setting.key} = ${JSON.stringify(setting.value)}`;
  }
  writeFileSync(path, lines.join('\n'));
}

function lineOf(lines: readonly string[], { table, key }: Setting): number {
  let current = '';
  for (const [index, line] of lines.entries()) {
    const header = /^\[([^\]]+)\]/.exec(line);
    if (header?.[1] !== undefined) current = header[1];
    if (current === table && line.startsWith(`${key} =`)) return index;
  }
  throw new InvariantError(`no ${key} in [${table}] of this node's config.toml`);
}

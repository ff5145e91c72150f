/** In which line of a TOML text a key stands: the parser does not say. */

/**
 * The number of the line, from 1, with `key` in table `table`; for a repeated table in its
 * `index`-th occurrence, from 0. `undefined` where the text is written in a way this does not see
 * (inline tables, keys in quotes): errors then do without it.
 */
export function lineOfKey(
  text: string,
  place: { readonly table: string; readonly index: number; readonly key: string },
): number | undefined {
  const seen = new Map<string, number>();
  let table = '';
  let index = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const header = /^\s*(\[{1,2})\s*([A-Za-z0-9_.\s-]+?)\s*\]{1,2}\s*(?:#.*)?$/.exec(line);
    if (header !== null) {
      table = (header[2] ?? '').replaceAll(/\s/g, '');
      if (header[1] === '[[') seen.set(table, (seen.get(table) ?? -1) + 1);
      // A table below a repeated one belongs to its latest occurrence.
      index = seen.get(table.split('.')[0] ?? '') ?? 0;
      if (isSame(table, place) && index === place.index) return at + 1;
      continue;
    }
    const key = /^\s*([A-Za-z0-9_.-]+)\s*=/.exec(line)?.[1];
    if (key === undefined || index !== place.index) continue;
    if (isSame(table === '' ? key : `${table}.${key}`, place)) return at + 1;
  }
  return undefined;
}

function isSame(path: string, place: { readonly table: string; readonly key: string }): boolean {
  return path === (place.table === '' ? place.key : `${place.table}.${place.key}`);
}

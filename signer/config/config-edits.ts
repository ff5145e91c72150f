/** Changes to a `signer.toml` that somebody wrote: one value each, every comment and the rest as it was. */
import { textsText } from './config-text.ts';
import { lineOfKey } from './toml-places.ts';

/** The lists of a validator that come and go while it is served. */
export interface NodeLists {
  readonly nodes: readonly string[];
  /** By place; empty for a node without one. */
  readonly rpcs: readonly string[];
  readonly witnesses: readonly string[];
}

/**
 * The text with other nodes for its `index`-th validator, from 0. `undefined` where the file is
 * written in a way this does not see (inline tables, keys in quotes): a person has to change it.
 */
export function withNodeLists(text: string, index: number, lists: NodeLists): string | undefined {
  const rpcs = lists.rpcs.slice(0, lists.rpcs.findLastIndex((rpc) => rpc !== '') + 1);
  let edited: string | undefined = text;
  for (const [key, values] of [
    ['nodes', lists.nodes],
    ['rpc', rpcs],
    ['witnesses', lists.witnesses],
  ] as const) {
    if (edited === undefined) return undefined;
    edited = withList(edited, { index, key }, values);
  }
  return edited;
}

function withList(
  text: string,
  { index, key }: { readonly index: number; readonly key: string },
  values: readonly string[],
): string | undefined {
  const line = lineOfKey(text, { table: 'validator', index, key });
  if (line === undefined) return values.length === 0 ? text : withNewList(text, index, key, values);
  const start = startOfLine(text, line);
  const opening = text.indexOf('[', text.indexOf('=', start));
  const closing = endOfList(text, opening);
  if (opening < 0 || closing === undefined) return undefined;
  return `${text.slice(0, opening)}${textsText(values)}${text.slice(closing + 1)}`;
}

/** Below the chain id, which every validator has. */
function withNewList(
  text: string,
  index: number,
  key: string,
  values: readonly string[],
): string | undefined {
  const line = lineOfKey(text, { table: 'validator', index, key: 'chain_id' });
  if (line === undefined) return undefined;
  const below = startOfLine(text, line + 1);
  const head = text.slice(0, below);
  const gap = head.endsWith('\n') ? '' : '\n';
  return `${head}${gap}${key} = ${textsText(values)}\n${text.slice(below)}`;
}

/** Offset of a line, counted from 1; the end of the text for the one after the last. */
function startOfLine(text: string, line: number): number {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return start;
}

/** Offset of the bracket that closes the one at `opening`; brackets in texts and comments are none. */
function endOfList(text: string, opening: number): number | undefined {
  let depth = 0;
  for (let at = opening; at >= 0 && at < text.length; at++) {
    const character = text[at];
    if (character === '"' || character === "'") {
      const end = endOfText(text, at, character);
      if (end === undefined) return undefined;
      at = end;
    } else if (character === '#') {
      const end = text.indexOf('\n', at);
      if (end < 0) return undefined;
      at = end;
    } else if (character === '[') depth += 1;
    else if (character === ']') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

/** Offset of the quote that ends the text begun at `start`. */
function endOfText(text: string, start: number, quote: string): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\n') return undefined;
    if (character === '\\' && quote === '"') at += 1;
    else if (character === quote) return at;
  }
  return undefined;
}

/** `signer state init | recover`: floors that nobody can vouch for any more, raised by hand (S4, S11). */
import { resolve } from 'node:path';
import { checkHome } from '../home/check-home.ts';
import { parseHeight } from '../home/height.ts';
import { stateRows } from '../home/home-state.ts';
import { type FloorHeights, initFloors, recoverFloors } from '../home/recover-floors.ts';
import { type CliContext, type HomeFlags, printJson, UsageError } from './context.ts';

/** As the command line has them. */
export interface RecoveryFlags extends HomeFlags {
  readonly floorHeight?: readonly string[];
  readonly validator?: string;
  readonly confirm?: readonly string[];
}

/** Gives validators of signer.toml that have no floor their first one. */
export async function runStateInit(context: CliContext, flags: RecoveryFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const heights = floorHeights(flags.floorHeight);
  await using opened = await initFloors(context, { home, heights, validator: flags.validator });
  const rows = stateRows(opened.store);
  if (flags.json === true) printJson(context, rows);
  else for (const name of opened.initialised) context.print(`${name} has a floor now`);
}

/** Raises every floor of a store that was set back, or whose mark is gone. */
export async function runStateRecover(context: CliContext, flags: RecoveryFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const heights = floorHeights(flags.floorHeight);
  const confirmed = flags.confirm ?? [];
  await using opened = await recoverFloors(context, { home, heights, confirmed });
  const rows = stateRows(opened.store);
  if (flags.json === true) {
    printJson(context, rows);
    return;
  }
  for (const { validator, height } of rows) {
    context.print(`${validator}: everything at height ${height} and below is refused`);
  }
}

/** `N`, or `NAME=N` as often as there are validators. */
function floorHeights(texts: readonly string[] | undefined): FloorHeights {
  if (texts === undefined)
    throw new UsageError('--floor-height N is needed: nothing else knows what was signed');
  let all: bigint | undefined;
  const byName = new Map<string, bigint>();
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    const name = text.slice(0, Math.max(at, 0));
    const isTwice = at < 0 ? all !== undefined : byName.has(name);
    if (isTwice) throw new UsageError(`--floor-height ${text}: it is given twice`);
    if (at < 0) all = parseHeight(text);
    else byName.set(name, parseHeight(text.slice(at + 1)));
  }
  return { all, byName };
}

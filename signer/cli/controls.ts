/** `signer freeze | unfreeze | ceiling | floor raise | floor show | reload`: acts on a running signer. */
import { readStateFile } from '../home/first-floor.ts';
import { describePosition, type ImportResult } from '../home/home-state.ts';
import type { ControlJson, ReloadJson } from '../http/admin-bodies.ts';
import { type CliContext, type HomeFlags, printJson, UsageError } from './context.ts';
import { Daemon, type DaemonFlags } from './daemon.ts';

/** A freeze waits for a signature that is in a device. */
const FREEZE_TIMEOUT_MS = 15_000;

/** As the command line has them. */
export interface FreezeFlags extends DaemonFlags {
  readonly reason?: string;
}

/** Stops a validator from signing; returns when nothing can leave any more (S34). */
export async function runFreeze(context: CliContext, flags: FreezeFlags): Promise<void> {
  const body = flags.reason === undefined ? {} : { reason: flags.reason };
  const daemon = new Daemon(context, flags);
  printControl(
    context,
    flags,
    await daemon.act<ControlJson>('validator.freeze', flags, body, FREEZE_TIMEOUT_MS),
  );
}

/** Lets it sign again. */
export async function runUnfreeze(context: CliContext, flags: DaemonFlags): Promise<void> {
  const daemon = new Daemon(context, flags);
  printControl(context, flags, await daemon.act<ControlJson>('validator.unfreeze', flags));
}

/** Sets the height above which nothing is signed; `undefined` takes it away. */
export async function runCeiling(
  context: CliContext,
  height: bigint | undefined,
  flags: DaemonFlags,
): Promise<void> {
  const body = { height: height === undefined ? null : String(height) };
  const daemon = new Daemon(context, flags);
  printControl(context, flags, await daemon.act<ControlJson>('validator.ceiling', flags, body));
}

/** As the command line has them. */
export interface FloorRaiseFlags extends DaemonFlags {
  readonly floorHeight?: bigint;
  readonly stateFile?: string;
}

/** Raises a floor; lowering does not exist. */
export async function runFloorRaise(
  context: CliContext,
  height: bigint | undefined,
  flags: FloorRaiseFlags,
): Promise<void> {
  const { floorHeight = height, stateFile } = flags;
  if (floorHeight === undefined && stateFile === undefined) {
    throw new UsageError('raise it to where? Give --floor-height N, --state-file FILE, or both');
  }
  const body = {
    ...(floorHeight === undefined ? {} : { floorHeight: String(floorHeight) }),
    ...(stateFile === undefined
      ? {}
      : { stateFile: new TextDecoder().decode(readStateFile(stateFile)) }),
  };
  const daemon = new Daemon(context, flags);
  const result = await daemon.act<ImportResult>('floor.raise', flags, body);
  if (flags.json === true) {
    printJson(context, result);
    return;
  }
  const { validator, before, after } = result;
  context.print(
    result.isRaised
      ? `floor of ${validator} raised: from "${describePosition(before)}" to "${describePosition(after)}"`
      : `floor of ${validator} is there already ("${describePosition(after)}"): nothing changed`,
  );
}

/** Has `signer.toml` read anew. */
export async function runReload(context: CliContext, flags: HomeFlags): Promise<void> {
  const result = await new Daemon(context, flags).call<ReloadJson>('reload', { body: {} });
  if (flags.json === true) printJson(context, result);
  else {
    const { changed, needsRestart, refused } = result;
    if (refused === null) {
      context.print(
        changed.length === 0 ? 'nothing has changed' : `in force: ${changed.join(', ')}`,
      );
    }
    if (needsRestart.length > 0) context.print(`after a restart: ${needsRestart.join(', ')}`);
  }
  if (result.refused !== null) throw new ReloadFailedError(result.refused);
}

class ReloadFailedError extends Error {
  readonly code: string;

  constructor({ code, text }: { readonly code: string; readonly text: string }) {
    super(text);
    this.code = code;
  }
}

function printControl(context: CliContext, { json }: HomeFlags, control: ControlJson): void {
  if (json === true) {
    printJson(context, control);
    return;
  }
  const { validator, isFrozen, cause, reason, since, raiseFloorTo, heightCeiling } = control;
  context.print(
    isFrozen
      ? `${validator} is frozen since ${since} (${cause}): ${reason}`
      : `${validator} signs${heightCeiling === null ? '' : ` up to height ${heightCeiling}`}`,
  );
  if (raiseFloorTo !== null) context.print(`raise its floor to ${raiseFloorTo} before an unfreeze`);
}

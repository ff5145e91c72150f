/** `signer keys rotate run`: every step that needs no wallet, in one go; called again it goes on where it was. */
import type { TransactionJson } from '../http/admin-bodies.ts';
import type { RotationJson } from '../rotation/rotation-desk.ts';
import { type CliContext, printJson } from './context.ts';
import { Daemon } from './daemon.ts';
import {
  isVerified,
  newKeyRequest,
  type ProveFlags,
  printRotation,
  type RotateFlags,
  statusOf,
  type TxFlags,
  verified,
} from './rotate.ts';
import { NotVerifiedError } from './rotate-errors.ts';

/** As the command line has them. */
export type RunFlags = RotateFlags & ProveFlags & TxFlags;

const GENERATE_TIMEOUT_MS = 120_000;

/**
 * generate → prove → tells what the wallet sends → waits for the chain → verified.
 *
 * A rotation that is open is gone on with. One that is verified is done: another `run` begins the next.
 */
export async function runRun(context: CliContext, flags: RunFlags): Promise<void> {
  const daemon = new Daemon(context, flags);
  const validator = await daemon.chosen(flags.validator);
  const chosen = { ...flags, validator };
  let rotation = await statusOf(daemon, validator);
  if (!isOpen(rotation)) {
    const body = { key: newKeyRequest(flags, validator) };
    rotation = await daemon.act('rotation.generate', chosen, body, GENERATE_TIMEOUT_MS);
    context.note(`a new key was made: ${JSON.stringify(rotation.newKey)}`);
  }
  if (rotation.state === 'generated') {
    const body = flags.operator === undefined ? {} : { operator: flags.operator };
    rotation = await daemon.act('rotation.prove', chosen, body);
    context.note('the new key has proven itself');
  }
  if (rotation.state === 'proven') await tellTransactions(context, daemon, chosen);
  rotation = await verified(daemon, validator);
  if (flags.json === true) printJson(context, rotation);
  else printRotation(context, flags, rotation);
  if (!isVerified(rotation)) throw new NotVerifiedError(rotation.state);
}

async function tellTransactions(
  context: CliContext,
  daemon: Daemon,
  flags: RunFlags,
): Promise<void> {
  const { format, power, operator } = flags;
  const body = {
    format,
    ...(power === undefined ? {} : { power }),
    ...(operator === undefined ? {} : { operator }),
  };
  const { lines } = await daemon.act<TransactionJson>('rotation.tx', flags, body);
  context.note('Send this now, each line once. This command waits and goes on by itself:\n');
  // For a program they are on standard error: its standard output is one JSON text.
  for (const line of lines) (flags.json === true ? context.note : context.print)(line);
  context.note('');
}

function isOpen({ state }: RotationJson): boolean {
  return ['generated', 'proven', 'armed', 'switched', 'held'].includes(state);
}

/** `signer keys rotate …`: the steps of a rotation, each over the running signer. */
import { resolve } from 'node:path';
import { readConfig } from '../config/config.ts';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import type { PlanJson, TransactionJson } from '../http/admin-bodies.ts';
import type { NewKeyRequest, RotationJson } from '../rotation/rotation-desk.ts';
import { type CliContext, printJson, printTable } from './context.ts';
import { Daemon, type DaemonFlags } from './daemon.ts';
import { NotVerifiedError, PlanRedError } from './rotate-errors.ts';

/** A device makes keys slowly, and a backup may go with it. */
const GENERATE_TIMEOUT_MS = 120_000;

/** One long poll; the signer answers before it is over. */
const POLL_TIMEOUT_MS = 40_000;

/** As the command line has them. */
export interface RotateFlags extends DaemonFlags {
  readonly passphraseFile?: string;
  readonly setupAuthKey?: number;
  readonly setupPasswordFile?: string;
  readonly nonExportable?: boolean;
  readonly keyLabel?: string;
  readonly provider?: NewKeyRequest['kind'];
}

/** Looks whether a rotation can begin; exit code 1 when something is red. */
export async function runPlan(context: CliContext, flags: RotateFlags): Promise<void> {
  const plan = await new Daemon(context, flags).act<PlanJson>(
    'rotation.plan',
    flags,
    {},
    GENERATE_TIMEOUT_MS,
  );
  if (flags.json === true) printJson(context, plan);
  else printPlan(context, plan);
  if (!plan.isGreen) throw new PlanRedError();
}

function printPlan(context: CliContext, plan: PlanJson): void {
  printTable(
    context,
    ['', 'WHAT', 'FOUND'],
    plan.items.map(({ id, state, text, remedy }) => [
      state.toUpperCase(),
      id,
      remedy === undefined ? text : `${text}. ${remedy}`,
    ]),
  );
}

/** Makes the new key. */
export async function runGenerate(context: CliContext, flags: RotateFlags): Promise<void> {
  const daemon = new Daemon(context, flags);
  const body = { key: newKeyRequest(flags, await daemon.chosen(flags.validator)) };
  printRotation(
    context,
    flags,
    await daemon.act<RotationJson>('rotation.generate', flags, body, GENERATE_TIMEOUT_MS),
  );
}

/** Where it is made: as the present key, unless flags say otherwise. */
export function newKeyRequest(flags: RotateFlags, validator: string): NewKeyRequest {
  const { provider, passphraseFile, keyLabel } = flags;
  const { setupAuthKey, setupPasswordFile, nonExportable } = flags;
  if (provider === 'file' || (provider === undefined && passphraseFile !== undefined)) {
    return { kind: 'file', passphraseFile };
  }
  if (provider === 'pkcs11' || keyLabel !== undefined) return { kind: 'pkcs11', keyLabel };
  const isYubiHsm = [setupAuthKey, setupPasswordFile, nonExportable].some(
    (flag) => flag !== undefined,
  );
  if (provider === 'yubihsm' || isYubiHsm) {
    return {
      kind: 'yubihsm',
      setupAuthKeyId: setupAuthKey,
      setupPasswordFile,
      isNonExportable: nonExportable,
    };
  }
  const options = readConfig(resolve(flags.home)).validators.find(({ name }) => name === validator);
  const [place] = options?.providers ?? [];
  if (place === undefined) throw new UnknownValidatorError(validator);
  // Encrypted with the same passphrase, if the present one is.
  if (place.kind === 'file') return { kind: 'file', passphraseFile: place.passphraseFile };
  return { kind: place.kind };
}

/** As the command line has them. */
export interface ProveFlags extends DaemonFlags {
  readonly operator?: string;
}

/** Has the new key sign its proof of possession (S47). */
export async function runProve(context: CliContext, flags: ProveFlags): Promise<void> {
  const body = flags.operator === undefined ? {} : { operator: flags.operator };
  printRotation(
    context,
    flags,
    await new Daemon(context, flags).act<RotationJson>('rotation.prove', flags, body),
  );
}

/** As the command line has them. */
export interface TxFlags extends DaemonFlags {
  readonly format: 'sdk' | 'kvstore';
  readonly power?: string;
  readonly operator?: string;
}

/** Prints what somebody else sends. */
export async function runTx(context: CliContext, flags: TxFlags): Promise<void> {
  const { format, power, operator } = flags;
  const body = {
    format,
    ...(power === undefined ? {} : { power }),
    ...(operator === undefined ? {} : { operator }),
  };
  const { lines } = await new Daemon(context, flags).act<TransactionJson>(
    'rotation.tx',
    flags,
    body,
  );
  if (flags.json === true) printJson(context, { format, lines });
  else for (const line of lines) context.print(line);
}

/** As the command line has them. */
export interface ArmFlags extends DaemonFlags {
  readonly atHeight: bigint;
  readonly passed?: boolean;
}

/** Arms by hand (S44). */
export async function runArm(context: CliContext, flags: ArmFlags): Promise<void> {
  const body = {
    atHeight: String(flags.atHeight),
    ...(flags.passed === true ? { isPassed: true } : {}),
  };
  printRotation(
    context,
    flags,
    await new Daemon(context, flags).act<RotationJson>('rotation.arm', flags, body),
  );
}

/** Shows the newest rotation. */
export async function runStatus(context: CliContext, flags: DaemonFlags): Promise<void> {
  const daemon = new Daemon(context, flags);
  printRotation(context, flags, await statusOf(daemon, await daemon.chosen(flags.validator)));
}

/** Waits until the new key is seen at work; exit code 1 when it cannot be. */
export async function runVerify(context: CliContext, flags: DaemonFlags): Promise<void> {
  const daemon = new Daemon(context, flags);
  const rotation = await verified(daemon, await daemon.chosen(flags.validator));
  printRotation(context, flags, rotation);
  if (!isVerified(rotation)) throw new NotVerifiedError(rotation.state);
}

/** As the command line has them. */
export interface FinishFlags extends DaemonFlags {
  readonly key?: string;
  readonly windowOver?: boolean;
}

/** Destroys the old key once nothing can count against it any more. */
export async function runFinish(context: CliContext, flags: FinishFlags): Promise<void> {
  const body = {
    ...(flags.key === undefined ? {} : { oldKey: flags.key }),
    ...(flags.windowOver === true ? { isWindowOver: true } : {}),
  };
  const daemon = new Daemon(context, flags);
  printRotation(
    context,
    flags,
    await daemon.act<RotationJson>('rotation.finish', flags, body, GENERATE_TIMEOUT_MS),
  );
}

/** Gives a rotation up that is not in a block yet (S45). */
export async function runAbort(context: CliContext, flags: DaemonFlags): Promise<void> {
  printRotation(
    context,
    flags,
    await new Daemon(context, flags).act<RotationJson>('rotation.abort', flags),
  );
}

/** The newest rotation of a validator. */
export function statusOf(daemon: Daemon, validator: string): Promise<RotationJson> {
  return daemon.call<RotationJson>('rotation.status', { params: { validator } });
}

/** Whether the new key was seen at work. */
export function isVerified({ state }: RotationJson): boolean {
  return state === 'verified' || state === 'retiring' || state === 'finished';
}

/** Waits for it, or for what keeps it from being. */
export async function verified(daemon: Daemon, validator: string): Promise<RotationJson> {
  for (;;) {
    const rotation = await daemon.call<RotationJson>('rotation.verify', {
      params: { validator },
      timeoutMs: POLL_TIMEOUT_MS,
    });
    const { state } = rotation;
    if (isVerified(rotation) || ['none', 'aborted', 'held'].includes(state)) return rotation;
  }
}

/** For people, or as JSON. */
export function printRotation(
  context: CliContext,
  { json }: DaemonFlags,
  rotation: RotationJson,
): void {
  if (json === true) {
    printJson(context, rotation);
    return;
  }
  const { validator, state, oldKey, newKey, activationHeight, armedBy, missedHeights } = rotation;
  context.print(`${validator}: ${state === 'none' ? 'no rotation' : state}`);
  if (oldKey !== null) context.print(`  old key  ${JSON.stringify(oldKey)}`);
  if (newKey !== null) context.print(`  new key  ${JSON.stringify(newKey)}`);
  if (activationHeight !== null) {
    context.print(
      `  signs from height ${activationHeight} on (${armedBy === 'hand' ? 'armed by hand' : 'the chain decided'})`,
    );
  }
  if (missedHeights.length > 0) context.print(`  missed   ${missedHeights.join(', ')}`);
  for (const note of rotation.notes) context.print(`  ${note}`);
  for (const { publicKey, untilHeight, untilTime } of rotation.retiring) {
    const until = untilHeight === null ? 'unknown' : `height ${untilHeight} and ${untilTime}`;
    context.print(`  retiring ${JSON.stringify(publicKey)}: kept until ${until}`);
  }
}

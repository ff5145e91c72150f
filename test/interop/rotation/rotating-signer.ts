/** The rotation commands of our signer, as an operator of a chain with the stock key-value application uses them. */
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { OwnSigner } from '../own-signer.ts';
import type { CometPublicKey } from '../peers/node-home.ts';

/** `keys rotate status --json`, as far as scripts rely on it. */
export interface RotationStatus {
  readonly state:
    | 'none'
    | 'generated'
    | 'proven'
    | 'armed'
    | 'switched'
    | 'verified'
    | 'retiring'
    | 'finished'
    | 'held'
    | 'aborted';
  readonly oldKey: CometPublicKey;
  readonly newKey: CometPublicKey;
  /** Decimal. */
  readonly activationHeight: string | null;
}

/** A rotation did not get there in time. */
export class RotationDeadlineError extends CodedError {
  override readonly name = 'RotationDeadlineError';
  readonly code = 'ERR_ROTATION_DEADLINE';

  constructor(
    wait: { readonly wanted: string; readonly status: RotationStatus; readonly log: string },
    options?: ErrorOptions,
  ) {
    const { wanted, status, log } = wait;
    super(`not ${wanted}: ${JSON.stringify(status)}; the signer's log ends:\n${log}`, options);
  }
}

/** Pause between two looks: a command takes a third of a second of one core. */
const POLL_MS = 300;

/** How long the signer may take from its start until it answers commands. */
const START_TIMEOUT_MS = 10_000;

/** SIGKILL and a new start; returns when commands are answered again. */
export async function killAndServe(
  deps: { readonly clock: Clock },
  signer: OwnSigner,
): Promise<void> {
  await signer.kill();
  await signer.serve();
  using deadline = deps.clock.deadline(START_TIMEOUT_MS);
  for (;;) {
    try {
      await signer.command('status', '--json');
      return;
    } catch (cause) {
      // Not listening yet. The last refusal is what the test ends with.
      if (deadline.signal.aborted) throw cause;
      await deps.clock.sleep(POLL_MS);
    }
  }
}

/** What is told of the newest rotation. */
export async function rotationStatus(signer: OwnSigner): Promise<RotationStatus> {
  return JSON.parse(await signer.command('keys', 'rotate', 'status', '--json')) as RotationStatus;
}

/** Looks until the rotation is in one of these states. */
export async function untilState(
  deps: { readonly clock: Clock },
  signer: OwnSigner,
  states: readonly RotationStatus['state'][],
  options: { readonly timeoutMs: number },
): Promise<RotationStatus> {
  using deadline = deps.clock.deadline(options.timeoutMs);
  for (;;) {
    const status = await rotationStatus(signer);
    if (states.includes(status.state)) return status;
    try {
      await deps.clock.sleep(POLL_MS, { signal: deadline.signal });
    } catch (cause) {
      const log = signer.log().split('\n').slice(-30).join('\n');
      throw new RotationDeadlineError({ wanted: states.join(' or '), status, log }, { cause });
    }
  }
}

/** Generates and proves the next key, and gives the transactions that put it in force, the new key's first. */
export async function prepareRotation(signer: OwnSigner): Promise<{
  readonly status: RotationStatus;
  readonly transactions: readonly string[];
}> {
  await signer.command('keys', 'rotate', 'generate');
  await signer.command('keys', 'rotate', 'prove');
  const printed = await signer.command('keys', 'rotate', 'tx', '--format', 'kvstore');
  return { status: await rotationStatus(signer), transactions: printed.split('\n') };
}

/** Reservations decided one after the other, each seeing the ones before it: the body of a store's transaction. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { decide } from './decide.ts';
import { refuseByControl } from './refuse-by-control.ts';
import type { Decision, Floor, Reservation } from './sign-state-store.ts';
import type { ValidatorControl } from './validator-control.ts';

/** Where a validator stands before the batch. */
export interface Standing {
  readonly floor: Floor;
  /** Its first key: what a row without a key of its own belongs to. */
  readonly publicKey: Uint8Array;
  /** The key that signs at a height (S38). @default {@link Standing.publicKey} at every height */
  readonly keyAt?: ((height: bigint) => Uint8Array) | undefined;
  /** @default nothing stands in the way */
  readonly control?: ValidatorControl | undefined;
  /** The newest block of its chain that is known (S33). */
  readonly tip?: bigint | undefined;
}

/** What came of a batch. */
export interface BatchOutcome {
  /** In the order of the reservations. Not to be acted on before `moved` is durable. */
  readonly decisions: readonly Decision[];
  /** The floors that moved, by validator. Empty when nothing has to be written. */
  readonly moved: ReadonlyMap<string, Floor>;
  /** By reservation: whether it is one that moved a floor. */
  readonly moves: readonly boolean[];
}

/**
 * Decides `reservations` in order. Pure: `standingOf` is asked once per validator.
 *
 * A freeze and a ceiling come first: they refuse repeats too (S34). Then the double-sign rule; then
 * the key, which is a function of the height and stored with the floor (S38), must be the one the
 * message was made for (S43). Only what passes all three moves the floor.
 *
 * Two positions of one validator in one batch leave the higher one as its floor. The lower one's
 * bytes are then in no row, and need not be: whatever happens, its position is below the floor.
 */
export function decideBatch(
  reservations: readonly Reservation[],
  standingOf: (validator: string) => Standing,
): BatchOutcome {
  const standings = new Map<string, Standing>();
  const moved = new Map<string, Floor>();
  const moves: boolean[] = [];
  const decisions = reservations.map((reservation): Decision => {
    const { validator } = reservation;
    const standing = standings.get(validator) ?? standingOf(validator);
    const verdict = judge(standing, reservation);
    moves.push(verdict.kind === 'advance');
    if (verdict.kind === 'refused') return verdict;
    if (verdict.kind === 'repeat') return signStored(standing, true);
    // Copied: the caller's arrays may be views of a buffer that is used again.
    const floor: Floor = {
      ...reservation.at,
      signBytes: reservation.signBytes.slice(),
      publicKey: verdict.publicKey.slice(),
    };
    const next = { ...standing, floor };
    standings.set(validator, next);
    moved.set(validator, floor);
    return signStored(next, false);
  });
  return { decisions, moved, moves };
}

type Judgement =
  | { readonly kind: 'advance'; readonly publicKey: Uint8Array }
  | { readonly kind: 'repeat' }
  | Refusal;

function judge(
  standing: Standing,
  { validator, at, signBytes, claimedKey }: Reservation,
): Judgement {
  const { floor, control, tip } = standing;
  const controlled = control && refuseByControl(validator, at, control);
  if (controlled !== undefined) return controlled;
  const verdict = decide(floor, { at, signBytes }, { tip });
  if (verdict.kind === 'refused') return verdict;
  const isRepeat = verdict.kind === 'repeat';
  const publicKey = isRepeat ? keyOfFloor(standing) : keyAt(standing, at.height);
  if (claimedKey !== undefined && !equalBytes(claimedKey, publicKey)) {
    return {
      kind: 'refused',
      reason: 'other-key',
      code: 'ERR_OTHER_KEY',
      text:
        `the vote at height ${at.height} was made for another key of this validator than the one ` +
        'that signs there: the node learns which one when it asks for the public key after its next commit',
    };
  }
  return isRepeat ? { kind: 'repeat' } : { kind: 'advance', publicKey };
}

function keyAt({ keyAt, publicKey }: Standing, height: bigint): Uint8Array {
  return keyAt === undefined ? publicKey : keyAt(height);
}

function keyOfFloor({ floor, publicKey }: Standing): Uint8Array {
  return floor.publicKey ?? publicKey;
}

/** The row's own bytes (S5), as copies: nobody outside the store can change a row. */
function signStored(standing: Standing, isRepeat: boolean): Decision {
  const { floor } = standing;
  return {
    kind: 'sign',
    signBytes: new Uint8Array(floor.signBytes ?? []),
    publicKey: keyOfFloor(standing).slice(),
    signature: floor.signature?.slice(),
    isRepeat,
  };
}

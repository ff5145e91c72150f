/** Reservations decided one after the other, each seeing the ones before it: the body of a store's transaction. */
import { decide } from './decide.ts';
import type { Decision, Floor, Reservation } from './sign-state-store.ts';

/** Where a validator stands before the batch. */
export interface Standing {
  readonly floor: Floor;
  /** Its key in the store: what a row without a key of its own belongs to. */
  readonly publicKey: Uint8Array;
  /** The newest block of its chain that is known (S33). */
  readonly tip?: bigint | undefined;
}

/** What came of a batch. */
export interface BatchOutcome {
  /** In the order of the reservations. Not to be acted on before `moved` is durable. */
  readonly decisions: readonly Decision[];
  /** The floors that moved, by validator. Empty when nothing has to be written. */
  readonly moved: ReadonlyMap<string, Floor>;
}

/**
 * Decides `reservations` in order. Pure: `standingOf` is asked once per validator.
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
  const decisions = reservations.map((reservation): Decision => {
    const { validator } = reservation;
    const standing = standings.get(validator) ?? standingOf(validator);
    const verdict = decide(standing.floor, reservation, { tip: standing.tip });
    if (verdict.kind === 'refused') return verdict;
    if (verdict.kind === 'repeat') return signStored(standing);
    // Copied: the caller's arrays may be views of a buffer that is used again.
    const floor: Floor = {
      ...reservation.at,
      signBytes: reservation.signBytes.slice(),
      publicKey: reservation.publicKey.slice(),
    };
    const next = { ...standing, floor };
    standings.set(validator, next);
    moved.set(validator, floor);
    return signStored(next);
  });
  return { decisions, moved };
}

/** The row's own bytes (S5), as copies: nobody outside the store can change a row. */
function signStored({ floor, publicKey }: Standing): Decision {
  return {
    kind: 'sign',
    signBytes: new Uint8Array(floor.signBytes ?? []),
    publicKey: (floor.publicKey ?? publicKey).slice(),
    signature: floor.signature?.slice(),
  };
}

/** What stands between a validator and its floor: a freeze and a height ceiling. Durable, by validator. */

/** Who or what froze a validator. */
export type FreezeCause =
  /** `signer freeze`. */
  | 'operator'
  /** `state export --hand-over`: another signer has the floor now (S34). */
  | 'hand-over'
  /** A signature on the chain that this signer does not know (S36). */
  | 'chain-witness';

/** A validator that signs nothing, until somebody unfreezes it. */
export interface Freeze {
  readonly cause: FreezeCause;
  /** For a person; what the witness saw, why the operator did it. At most 500 characters. */
  readonly reason: string;
  readonly atMs: number;
  /** Name of the credential, `chain` for the witness. */
  readonly by: string;
  /** The floor has to stand at or above this height before `unfreeze` is allowed; set by the witness. */
  readonly raiseFloorTo?: bigint | undefined;
}

/** What stands between a validator and its floor. */
export interface ValidatorControl {
  readonly freeze?: Freeze | undefined;
  /** Requests above this height are refused; not a floor: it may be set lower, higher, or taken away. */
  readonly heightCeiling?: bigint | undefined;
}

/**
 * How a freeze becomes complete (S34). In this order:
 *
 * 1. the freeze is durable: from here on `reserve` refuses, and the gate's last look keeps back what
 *    was decided before, vote extensions included;
 * 2. signatures in the making are awaited, verified and stored, not sent;
 * 3. answers that had passed the last look before 1 are on the wire or their connection is closed.
 *
 * Only then does `freeze` return. An unfreeze is durable, then immediate.
 */
export interface Freezable {
  /** Resolves when nothing this validator has signed can leave any more. Bounded by the write limit of a session. */
  drained(validator: string): Promise<void>;
}

/** One rotation of one validator's consensus key, as it is stored. */

/** The word of `keys rotate status --json`; `none` is a validator that never rotated. */
export type RotationState =
  | 'generated'
  | 'proven'
  | 'armed'
  | 'switched'
  | 'verified'
  | 'retiring'
  | 'finished'
  | 'held'
  | 'aborted';

/** States in which no other rotation of the validator may begin. */
export const OPEN_STATES: readonly RotationState[] = [
  'generated',
  'proven',
  'armed',
  'switched',
  'held',
];

/** Whether a rotation in this state keeps others from beginning. */
export function isOpen(state: RotationState): boolean {
  return OPEN_STATES.includes(state);
}

/** How a rotation got its activation height. */
export type ArmedBy =
  /** Validator updates in blocks: both the new key's power and the old one's end were seen (S40). */
  | 'chain'
  /** `arm --at-height` (S44). */
  | 'hand';

/** What is known of a rotation. A new object for each change; rows are nobody's to change. */
export interface Rotation {
  /** Of the row; grows with time within a home. */
  readonly id: bigint;
  readonly validator: string;
  readonly state: RotationState;
  /** 32 bytes. Of the newest era when `generate` ran. */
  readonly oldKey: Uint8Array;
  readonly newKey: Uint8Array;
  /** N: the block that gave the new key power above 0. Undone when a later block takes it away. */
  readonly newKeyIn: bigint | undefined;
  /** R: the block since which the old key has no power. Undone when a later block gives it some. */
  readonly oldKeyOut: bigint | undefined;
  /** A, once there is one. Changes only while the floor is below it. */
  readonly activationHeight: bigint | undefined;
  readonly armedBy: ArmedBy | undefined;
  /** `arm --passed`: the operator states that A − 1 is committed (S44). */
  readonly isPassed: boolean;
  /** The proof of possession and its message; `undefined` before `prove`. */
  readonly proof: RotationProof | undefined;
  /** What contradicts what, while `held`. */
  readonly contradiction: Contradiction | undefined;
  /** Heights from A on at which the new key was seen at work, ascending, at most three. */
  readonly seenAt: readonly bigint[];
  /** Heights from A − 1 to A + 1 at which the chain shows no signature of ours. */
  readonly missedAt: readonly bigint[];
  /** The end of the old key's evidence window, as the chain had it at A; larger values replace it. */
  readonly retiresAfter: { readonly height: bigint; readonly timeMs: number } | undefined;
  /** What blocks told of both keys, ascending by height: N, R and A follow from it. */
  readonly powers: readonly PowerFact[];
  /** A block that took the old key's power and gave a stranger some, while the new key has none. */
  readonly strangerAt: bigint | undefined;
  /** Whether the transaction that removes the old key was printed: it must not be sent twice (S48). */
  readonly isRemovalPrinted: boolean;
  /** When each state was entered last, wall-clock milliseconds. */
  readonly entered: Readonly<Partial<Record<RotationState, number>>>;
}

/** What one block did to the keys; absent for one that it does not mention. */
export interface PowerFact {
  readonly height: bigint;
  /** Whether the new key has power from this block on. */
  readonly isNewKeyIn?: boolean | undefined;
  /** Whether the old key has power from this block on. */
  readonly isOldKeyIn?: boolean | undefined;
  /** Read off a validator set: the block that did it is this one or an earlier one. */
  readonly isOfSet: boolean;
}

/** A proof of possession (S47). */
export interface RotationProof {
  /** What was signed: `proof-of-possession.ts` says of what it is made. */
  readonly message: Uint8Array;
  /** 64 bytes, by the new key, verified. */
  readonly signature: Uint8Array;
}

/** Two sources tell different things of one block (S46). */
export interface Contradiction {
  readonly height: bigint;
  /** What each told, by the name of the source, for a person. */
  readonly told: Readonly<Record<string, string>>;
}

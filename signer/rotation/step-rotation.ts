/**
 * The signature of the rotation's rules. Pure and synchronous: no clock, no I/O, no chain.
 *
 * The driver reads facts, calls the step, makes the outcome durable in one transaction with its audit
 * entry (`RotationStore.save`), and only then acts on the effects. A kill anywhere between is
 * repaired by telling the same facts again: every event may come twice, and late.
 */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import type { ArmedBy, Contradiction, Rotation, RotationProof } from './rotation.ts';

/** Something happened, or somebody wants something. */
export type RotationEvent =
  | { readonly kind: 'proved'; readonly proof: RotationProof }
  /**
   * What one block did to this validator's keys, by one source or agreed by all (S46). A power is
   * `undefined` when the block does not mention the key. Also told of aborted rotations (S45).
   */
  | {
      readonly kind: 'powers-changed';
      readonly height: bigint;
      readonly newKeyPower: bigint | undefined;
      readonly oldKeyPower: bigint | undefined;
      /** A key that is none of this validator's, and was not in the set, got power in the same block. */
      readonly hasStranger: boolean;
    }
  /** What a validator set of the chain shows, where the blocks before it were not seen. */
  | {
      readonly kind: 'set-seen';
      /** The set is the one that signs this height. */
      readonly height: bigint;
      readonly hasNewKey: boolean;
      readonly hasOldKey: boolean;
    }
  | { readonly kind: 'sources-contradict'; readonly contradiction: Contradiction }
  /** The next header's `next_validators_hash` has shown who was right; the powers follow as an event. */
  | { readonly kind: 'contradiction-settled'; readonly height: bigint }
  /** Another rotation was armed meanwhile: what this one would replace is that one's new key. */
  | { readonly kind: 'old-key-replaced'; readonly oldKey: Uint8Array }
  /** `tx` has printed the removal of the old key (S48). */
  | { readonly kind: 'removal-printed' }
  | {
      readonly kind: 'arm-asked';
      readonly atHeight: bigint;
      readonly isPassed: boolean;
      readonly isConfirmed: boolean;
    }
  | { readonly kind: 'abort-asked' }
  /** A floor was reserved: from A on by the new key. */
  | { readonly kind: 'floor-moved'; readonly height: bigint }
  /** A commit of the chain, or without one a vote asked for by the new key's address, shows the new key at work. */
  | { readonly kind: 'new-key-seen'; readonly height: bigint }
  | { readonly kind: 'block-missed'; readonly height: bigint }
  | {
      readonly kind: 'evidence-window-known';
      readonly untilHeight: bigint;
      readonly untilTimeMs: number;
    }
  | {
      readonly kind: 'finish-asked';
      /** Newest block's height and time: the chain's, not this machine's clock. */
      readonly tip: { readonly height: bigint; readonly timeMs: number } | undefined;
      /** The operator states that evidence against the old key counts no more: where no window is known. */
      readonly isWindowOver: boolean;
    };

/** What is known beside the rotation. */
export interface RotationContext {
  readonly floorHeight: bigint;
  /** Newest known block of the chain. */
  readonly tip: bigint | undefined;
  /** The newest activation height of the validator before this rotation; 0 when there is none. */
  readonly lastActivation: bigint;
  /** For `entered` only. */
  readonly nowMs: number;
}

/** What the driver does once the new row is durable. */
export type RotationEffect =
  /** The schedule gets an era, or loses one that no floor has reached. */
  | { readonly kind: 'schedule-changed' }
  | { readonly kind: 'alarm'; readonly code: `ERR_${string}`; readonly text: string }
  | { readonly kind: 'note'; readonly text: string }
  /** `finish`: the old key is destroyed where it is, after the row says so. */
  | { readonly kind: 'destroy-key'; readonly publicKey: Uint8Array };

/** Outcome of a step. The very same `rotation` object when nothing changed. */
export type RotationStep =
  | {
      readonly kind: 'stepped';
      readonly rotation: Rotation;
      readonly effects: readonly RotationEffect[];
    }
  | Refusal;

/**
 * The step. Invariants, each a property test:
 *
 * - the activation height never becomes less than or equal to the floor's height, and never changes
 *   once the floor is at or above it;
 * - by the chain it is max(N, R) + 2 with both known (S40), or max of that and floor + 1 found late;
 * - a removal of the old key alone arms nothing; with a stranger's key in the same block, while
 *   the rotation is open and the new key has no power, it is `held`: the transaction named another key;
 * - any order and any repetition of the same facts ends in the same activation height.
 */
export type StepRotation = (
  rotation: Rotation,
  event: RotationEvent,
  context: RotationContext,
) => RotationStep;

/** What arming is about, for the audit. */
export interface Arming {
  readonly activationHeight: bigint;
  readonly by: ArmedBy;
}

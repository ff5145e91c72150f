/** The chain as witness against this signer (S36). Pure: one commit, what is known, a verdict. */
import type { SignedHeaderFacts } from './node-rpc.ts';

/** What the witness is told about the validator. */
export interface WitnessContext {
  readonly chainId: string;
  /** Every key of this validator, 32 bytes each: retiring, staged and aborted ones too. */
  readonly keys: readonly Uint8Array[];
  readonly floor: { readonly height: bigint; readonly round: number; readonly step: number };
  /** The highest floor that came from outside; at and below it nothing is proven. */
  readonly adoptedFloor: bigint;
  /** `AuditLog.holdsPrecommit`. */
  readonly holds: (
    at: { readonly height: bigint; readonly round: number },
    signHash: Uint8Array,
  ) => 'yes' | 'no' | 'unknown';
}

/**
 * What a commit proves. `above-floor`: a valid signature by one of our keys at a position the floor has
 * not reached. `unknown-bytes`: one for bytes no decision was made on. Both freeze. `far-below` is a
 * note. An invalid signature proves nothing, whoever tells it: RPC that lies must not freeze.
 */
export type WitnessVerdict =
  | { readonly kind: 'clean' }
  | { readonly kind: 'far-below'; readonly distance: bigint }
  | {
      readonly kind: 'proof';
      readonly finding: 'above-floor' | 'unknown-bytes';
      readonly height: bigint;
      readonly round: number;
      readonly publicKey: Uint8Array;
      readonly signature: Uint8Array;
    };

/**
 * The rule. The precommit's sign bytes are rebuilt from the commit (height, round, block id or nil,
 * the signature's own timestamp, chain id) and verified before anything else is looked at.
 */
export type JudgeCommit = (commit: SignedHeaderFacts, context: WitnessContext) => WitnessVerdict;

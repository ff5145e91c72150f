/** What operators do with rotations: behind the admin API's resources, and behind nothing else. */

import type { PublicKeyJson } from '@privval/proto/crypto/key-json';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Act } from '../http/access.ts';
import type { RotationState } from './rotation.ts';

/** One thing `keys rotate plan` looks at. */
export interface PlanItem {
  /** Stable: `node-reachable`, `node-version`, `caught-up`, `in-set`, `not-jailed`, `fee`, `unbonding`, `key-types`, `audit`, `backup`, … */
  readonly id: string;
  readonly state: 'green' | 'red' | 'unknown' | 'not-applicable';
  readonly text: string;
  /** What to do; with every red one. */
  readonly remedy?: string | undefined;
}

/** Where the new key is made. Secrets by path only. */
export type NewKeyRequest =
  | { readonly kind: 'file'; readonly passphraseFile?: string | undefined }
  | {
      readonly kind: 'yubihsm';
      readonly setupAuthKeyId?: number | undefined;
      readonly setupPasswordFile?: string | undefined;
      readonly isNonExportable?: boolean | undefined;
    }
  | { readonly kind: 'pkcs11'; readonly keyLabel?: string | undefined };

/** Which transactions. */
export interface TransactionRequest {
  readonly format: 'sdk' | 'kvstore';
  /** kvstore: the new key's power. @default the old key's, as the chain has it */
  readonly power?: bigint | undefined;
  /** sdk: the operator's address. @default the one that was proven for */
  readonly operator?: string | undefined;
}

/** Which old key is to be destroyed. */
export interface FinishRequest {
  /** 32 bytes. @default the one that has been retiring longest */
  readonly oldKey?: Uint8Array | undefined;
  /** The operator states that its evidence window is over, where no RPC tells. */
  readonly isWindowOver: boolean;
}

/** The newest rotation, as `status --json` prints it. Heights are decimal. */
export interface RotationJson {
  readonly validator: string;
  readonly state: RotationState | 'none';
  readonly oldKey: PublicKeyJson | null;
  readonly newKey: PublicKeyJson | null;
  readonly activationHeight: string | null;
  readonly armedBy: 'chain' | 'hand' | null;
  /** Heights at A − 1 … A + 1 without our signature. */
  readonly missedHeights: readonly string[];
  /** Why it is held; what the operator does next; one sentence each. */
  readonly notes: readonly string[];
  /** Public keys that are retiring, with the earliest end of each. */
  readonly retiring: readonly {
    readonly publicKey: PublicKeyJson;
    readonly untilHeight: string | null;
    readonly untilTime: string | null;
  }[];
}

/**
 * The desk. A call that repeats an earlier one gives the same result. Every change is audited with
 * its {@link Act}; confirmation and approval are looked at before the desk is asked.
 */
export interface RotationDesk {
  plan(validator: string, options?: AbortOptions): Promise<readonly PlanItem[]>;
  /** Plan, then key file or object, then its place in `signer.toml`, then the row. @throws {RotationOpenError} ERR_ROTATION_OPEN */
  generate(
    validator: string,
    key: NewKeyRequest,
    act: Act,
    options?: AbortOptions,
  ): Promise<RotationJson>;
  /** `operator`: the address that will send the transaction, where the chain has such; part of the proof (S47). */
  prove(
    validator: string,
    operator: string | undefined,
    act: Act,
    options?: AbortOptions,
  ): Promise<RotationJson>;
  /**
   * Lines to be sent by somebody else: `sdk` pubkey JSON and unsigned message; `kvstore` two
   * transactions, new key first (S48). What the chain has already is left out.
   */
  transactions(
    validator: string,
    wanted: TransactionRequest,
    act: Act,
    options?: AbortOptions,
  ): Promise<readonly string[]>;
  arm(
    validator: string,
    arming: {
      readonly atHeight: bigint;
      readonly isPassed: boolean;
      readonly isConfirmed: boolean;
    },
    act: Act,
  ): RotationJson;
  status(validator: string): RotationJson;
  /** Resolves when the newest rotation is verified or cannot become it. */
  verified(validator: string, options?: AbortOptions): Promise<RotationJson>;
  /** Destroys the old key. @throws {EvidenceWindowError} ERR_EVIDENCE_WINDOW while evidence against it still counts. */
  finish(
    validator: string,
    wanted: FinishRequest,
    act: Act,
    options?: AbortOptions,
  ): Promise<RotationJson>;
  abort(validator: string, act: Act): RotationJson;
}

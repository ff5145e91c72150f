/** What a new key signs to show that somebody has it, and who (S47). */

/**
 * The fields, in this order, each as its length in bytes (4, big-endian) and its bytes. The message
 * begins with the byte 00 and the name of the format: a length-delimited message that begins so is
 * empty, and can be no vote, proposal or extension in any dialect, nor one of S27's check messages.
 */
export interface PossessionClaim {
  readonly chainId: string;
  /** Operator address, where the chain has such; empty on others. */
  readonly operator: string;
  /** 32 bytes. */
  readonly oldKey: Uint8Array;
  /** 32 bytes: never one that was active. */
  readonly newKey: Uint8Array;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  /** Seconds since 1970, decimal. */
  readonly expiresAt: string;
}

/** Name of the format, after the byte 00. */
export const POSSESSION_DOMAIN = 'privval proof of possession 1';

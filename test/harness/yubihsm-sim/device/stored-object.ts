/** One object on the device: what is public of it, and its secret. */
import type { EcKey } from '../crypto/ec-key.ts';
import type { Ed25519Key } from '../crypto/ed25519-key.ts';
import type { RsaKey } from '../crypto/rsa-key.ts';

/** The longest label, and its length on the wire. */
export const LABEL_BYTES = 40;

/** Ids nobody may give an object: 0 asks the device to choose, ffff means none. */
export const ANY_ID = 0;
export const RESERVED_ID = 0xffff;

/** How an object came to be; {@link ORIGIN.wrapped} is or-ed in by an import under wrap. */
export const ORIGIN = { generated: 0x01, imported: 0x02, wrapped: 0x10 } as const;

/** What the creator of an object says of it. */
export interface ObjectParams {
  readonly id: number;
  /** Zero-padded to 40 bytes. */
  readonly label: Uint8Array;
  /** Bit n-1 is domain n. */
  readonly domains: number;
  readonly capabilities: bigint;
  readonly algorithm: number;
}

/** The secret part. */
export type Material =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'auth-symmetric';
      readonly encKey: Uint8Array;
      readonly macKey: Uint8Array;
    }
  /** The 65-byte point of a P-256 public key. */
  | { readonly kind: 'auth-asymmetric'; readonly publicKey: Uint8Array }
  | { readonly kind: 'otp'; readonly nonceId: Uint8Array; readonly key: Uint8Array }
  | { readonly kind: 'ed25519'; readonly key: Ed25519Key }
  | { readonly kind: 'ec'; readonly key: EcKey }
  | { readonly kind: 'rsa'; readonly key: RsaKey }
  | { readonly kind: 'rsa-public'; readonly modulus: Uint8Array };

/** An object as it is kept. */
export interface StoredObject extends ObjectParams {
  readonly type: number;
  /** Of authentication and wrap keys; 0 otherwise. */
  readonly delegated: bigint;
  readonly origin: number;
  readonly material: Material;
  /** How often this type and id existed before; one byte, wraps. */
  readonly sequence: number;
}

/** An object on its way in. */
export type NewObject = Omit<StoredObject, 'sequence'>;

/** From the keys of an authentication key object to those of one session. */
import { DERIVATION, deriveKey } from './key-derivation.ts';

/** What a symmetric authentication key object holds: two AES-128 keys. */
export interface AuthenticationKeys {
  readonly encKey: Uint8Array;
  readonly macKey: Uint8Array;
}

/** The keys of one session: encryption, the MAC of requests, the MAC of replies. 16 bytes each. */
export interface SessionKeys {
  readonly encKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly rmacKey: Uint8Array;
}

/** Bytes of each side's challenge, and of each side's cryptogram. */
export const CHALLENGE_BYTES = 8;

const KEY_BITS = 128;
const CRYPTOGRAM_BITS = 64;

/** The keys of the session; `context` is the host's challenge, then the device's. */
export function deriveSessionKeys(keys: AuthenticationKeys, context: Uint8Array): SessionKeys {
  return {
    encKey: deriveKey(keys.encKey, DERIVATION.sessionEncKey, context, KEY_BITS),
    macKey: deriveKey(keys.macKey, DERIVATION.sessionMacKey, context, KEY_BITS),
    rmacKey: deriveKey(keys.macKey, DERIVATION.sessionRmacKey, context, KEY_BITS),
  };
}

/** What proves to the host that the device has the keys. */
export function cardCryptogram(keys: SessionKeys, context: Uint8Array): Uint8Array {
  return deriveKey(keys.macKey, DERIVATION.cardCryptogram, context, CRYPTOGRAM_BITS);
}

/** What proves to the device that the host has them. */
export function hostCryptogram(keys: SessionKeys, context: Uint8Array): Uint8Array {
  return deriveKey(keys.macKey, DERIVATION.hostCryptogram, context, CRYPTOGRAM_BITS);
}

/** Overwrites the keys. JavaScript cannot promise that no copy was made. */
export function wipeSessionKeys(keys: SessionKeys): void {
  keys.encKey.fill(0);
  keys.macKey.fill(0);
  keys.rmacKey.fill(0);
}

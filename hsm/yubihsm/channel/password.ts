/** Keys from a password, as Yubico's tools derive them. */
import { pbkdf2Sync } from 'node:crypto';
import { isP256PrivateKey } from './p256.ts';
import type { AuthenticationKeys } from './session-keys.ts';

const SALT = new TextEncoder().encode('Yubico');
const ITERATIONS = 10_000;
const DERIVED_BYTES = 32;

/**
 * The two keys of a symmetric authentication key. The password counts as the bytes it is: nothing is
 * trimmed or normalised. Takes some milliseconds.
 */
export function authenticationKeysFromPassword(password: Uint8Array): AuthenticationKeys {
  const derived = derive(password);
  const keys = { encKey: derived.slice(0, 16), macKey: derived.slice(16) };
  derived.fill(0);
  return keys;
}

/**
 * The P-256 private key of an asymmetric authentication key.
 *
 * A byte is appended, from 00 upwards, until the result is a private key. The 00 changes nothing
 * for passwords below 64 bytes (HMAC pads its key with it), and is there for longer ones: Yubico's
 * tools have it.
 */
export function privateKeyFromPassword(password: Uint8Array): Uint8Array {
  const perturbed = new Uint8Array(password.length + 1);
  perturbed.set(password);
  let derived = derive(perturbed);
  while (!isP256PrivateKey(derived)) {
    perturbed[password.length] = (perturbed[password.length] ?? 0) + 1;
    derived = derive(perturbed);
  }
  perturbed.fill(0);
  return derived;
}

function derive(password: Uint8Array): Uint8Array {
  const derived = pbkdf2Sync(password, SALT, ITERATIONS, DERIVED_BYTES, 'sha256');
  const copy = new Uint8Array(derived);
  derived.fill(0);
  return copy;
}

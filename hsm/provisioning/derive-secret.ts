/** How secrets hang on one entropy: the tree of HMACs that tmkms uses, so that phrases move between the two. */
import { createHmac } from 'node:crypto';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';

/** The version of the derivation: the first component of every path. */
const VERSION = '1';

/** Length of every derived secret in bytes. */
export const DERIVED_BYTES = 32;

/**
 * The secret at a path below an entropy: `['role', 'operator']` is tmkms's `1/role/operator`.
 * `entropy` stays the caller's; so is what is given back.
 */
export function deriveSecret(entropy: GuardedBytes, path: readonly string[]): GuardedBytes {
  const components = [VERSION, ...path];
  const secret = GuardedBytes.alloc(DERIVED_BYTES);
  entropy.use((bytes) => secret.use((target) => target.set(bytes.subarray(0, DERIVED_BYTES))));
  for (const [at, component] of components.entries()) {
    secret.use((key) => {
      const digest = createHmac('sha512', key).update(component, 'ascii').digest();
      // The second half leads on, the first is what is used: knowing a secret gives nothing below it.
      const isLast = at === components.length - 1;
      key.set(isLast ? digest.subarray(0, DERIVED_BYTES) : digest.subarray(DERIVED_BYTES));
      digest.fill(0);
    });
  }
  return secret;
}

/** What both sides of an asymmetric handshake derive from their two shared secrets. */
import { createHash } from 'node:crypto';
import { joinBytes } from '../commands/wire-bytes.ts';
import { aesCmac } from './aes-cmac.ts';
import type { SessionKeys } from './session-keys.ts';

/** Key usage, key type and key length, as SCP11 puts them into the derivation. */
const SHARED_INFO = Uint8Array.of(0x3c, 0x88, 0x10);

/** The keys of the session, and the receipt by which the device proves itself. */
export interface AsymmetricKeys {
  readonly keys: SessionKeys;
  /** 16 bytes; the session's first message goes on from it. */
  readonly receipt: Uint8Array;
}

/**
 * X9.63 with SHA-256 over both secrets, cut into four keys, and the receipt over both ephemeral
 * public keys. Overwrites the secrets.
 */
export function deriveAsymmetricKeys(secrets: {
  readonly ephemeral: Uint8Array;
  readonly fixed: Uint8Array;
  readonly deviceEphemeralKey: Uint8Array;
  readonly hostEphemeralKey: Uint8Array;
}): AsymmetricKeys {
  const { ephemeral, fixed, deviceEphemeralKey, hostEphemeralKey } = secrets;
  const [first, second] = [1, 2].map(
    (counter) =>
      new Uint8Array(
        createHash('sha256')
          .update(ephemeral)
          .update(fixed)
          .update(Uint8Array.of(0, 0, 0, counter))
          .update(SHARED_INFO)
          .digest(),
      ),
  ) as [Uint8Array, Uint8Array];
  ephemeral.fill(0);
  fixed.fill(0);
  const receiptKey = first.slice(0, 16);
  const receipt = aesCmac(receiptKey, joinBytes(deviceEphemeralKey, hostEphemeralKey));
  receiptKey.fill(0);
  const keys = {
    encKey: first.slice(16),
    macKey: second.slice(0, 16),
    rmacKey: second.slice(16),
  };
  first.fill(0);
  second.fill(0);
  return { keys, receipt };
}

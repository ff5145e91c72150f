/** The device's side of an asymmetric handshake, for whatever stands in a device's place. */
import { commandCode } from '../commands/command-code.ts';
import { copyOf, joinBytes } from '../commands/wire-bytes.ts';
import { encodeFrame, REPLY_FLAG } from '../connector/frame.ts';
import { deriveAsymmetricKeys } from './asymmetric-keys.ts';
import { P256_POINT_BYTES, p256Point, p256PublicKey, p256SharedSecret } from './p256.ts';
import { SecureChannel } from './secure-channel.ts';

/** What a device answers an asymmetric CreateSession from. */
export interface AsymmetricDeviceHandshakeStart {
  readonly sessionId: number;
  /** The authentication key object's public key: 64 or 65 bytes. */
  readonly authPublicKey: Uint8Array;
  /** The device's own private key. */
  readonly devicePrivateKey: Uint8Array;
  readonly ephemeralPrivateKey: Uint8Array;
  /** The host's ephemeral key, out of the command. */
  readonly hostEphemeralKey: Uint8Array;
}

/** Splits the data of an asymmetric CreateSession; `undefined` when it has another length. */
export function parseAsymmetricCreateSession(
  data: Uint8Array,
): { readonly authKeyId: number; readonly hostEphemeralKey: Uint8Array } | undefined {
  const [high, low] = data;
  if (high === undefined || low === undefined || data.length !== 2 + P256_POINT_BYTES) {
    return undefined;
  }
  return { authKeyId: high * 0x100 + low, hostEphemeralKey: copyOf(data.subarray(2)) };
}

/** The reply, and the channel that is open from then on; `undefined` when a key is no point of the curve. */
export function answerAsymmetricCreateSession(
  start: AsymmetricDeviceHandshakeStart,
): { readonly reply: Uint8Array; readonly channel: SecureChannel } | undefined {
  const { sessionId, authPublicKey, devicePrivateKey, ephemeralPrivateKey } = start;
  const { hostEphemeralKey } = start;
  const ephemeral = p256SharedSecret(ephemeralPrivateKey, hostEphemeralKey);
  const fixed = p256SharedSecret(devicePrivateKey, p256Point(authPublicKey));
  if (ephemeral === undefined || fixed === undefined) return undefined;
  const deviceEphemeralKey = p256PublicKey(ephemeralPrivateKey);
  const { keys, receipt } = deriveAsymmetricKeys({
    ephemeral,
    fixed,
    deviceEphemeralKey,
    hostEphemeralKey,
  });
  const reply = encodeFrame(
    commandCode('CreateSession') | REPLY_FLAG,
    joinBytes(Uint8Array.of(sessionId), deviceEphemeralKey, receipt),
  );
  return { reply, channel: new SecureChannel({ sessionId, keys, chain: receipt }) };
}

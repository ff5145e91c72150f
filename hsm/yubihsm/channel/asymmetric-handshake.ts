/** Opening a session by a P-256 key, firmware 2.3 and later. Pure: frames in, frames out. */
import { timingSafeEqual } from 'node:crypto';
import { commandCode } from '../commands/command-code.ts';
import { copyOf, joinBytes, uint16 } from '../commands/wire-bytes.ts';
import { encodeFrame } from '../connector/frame.ts';
import { deriveAsymmetricKeys } from './asymmetric-keys.ts';
import { handshakeReply } from './handshake-reply.ts';
import { P256_POINT_BYTES, p256Point, p256PublicKey, p256SharedSecret } from './p256.ts';
import { SecureChannel } from './secure-channel.ts';
import { wipeSessionKeys } from './session-keys.ts';
import { WrongCredentialsError } from './wrong-credentials-error.ts';

const RECEIPT_BYTES = 16;

/** What an asymmetric handshake begins with. */
export interface AsymmetricHandshakeStart {
  readonly authKeyId: number;
  /** The host's own key, 32 bytes; it stays the caller's. */
  readonly privateKey: Uint8Array;
  /** The device's own key, from a source that can be trusted: nothing authenticates GetDevicePubkey. */
  readonly devicePublicKey: Uint8Array;
  /** A P-256 private key that was never used before; overwritten at the end. */
  readonly ephemeralPrivateKey: Uint8Array;
}

/**
 * The host's side of one handshake: send {@link createSession}, give the reply to {@link finish}.
 * There is no second step: the first encrypted command proves the host.
 */
export class AsymmetricHandshake implements Disposable {
  /** The only frame of the handshake. */
  readonly createSession: Uint8Array;
  readonly #start: AsymmetricHandshakeStart;
  readonly #devicePoint: Uint8Array;
  readonly #ephemeralKey: Uint8Array;

  /** @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST when a key is none. */
  constructor(start: AsymmetricHandshakeStart) {
    this.#start = start;
    this.#devicePoint = p256Point(start.devicePublicKey);
    this.#ephemeralKey = p256PublicKey(start.ephemeralPrivateKey);
    this.createSession = encodeFrame(
      commandCode('CreateSession'),
      joinBytes(uint16('authKeyId', start.authKeyId), this.#ephemeralKey),
    );
  }

  /**
   * Takes the reply to CreateSession and returns the channel.
   *
   * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS when the receipt is wrong.
   * @throws {DeviceError} ERR_YUBIHSM_OBJECT_NOT_FOUND: no such authentication key;
   *   ERR_YUBIHSM_SESSIONS_FULL.
   * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY
   */
  finish(reply: Uint8Array): SecureChannel {
    const { authKeyId, privateKey, ephemeralPrivateKey } = this.#start;
    const data = handshakeReply('CreateSession', reply, 1 + P256_POINT_BYTES + RECEIPT_BYTES);
    const deviceEphemeralKey = copyOf(data.subarray(1, 1 + P256_POINT_BYTES));
    const ephemeral = p256SharedSecret(ephemeralPrivateKey, deviceEphemeralKey);
    const fixed = p256SharedSecret(privateKey, this.#devicePoint);
    this[Symbol.dispose]();
    if (ephemeral === undefined || fixed === undefined) throw new WrongCredentialsError(authKeyId);
    const { keys, receipt } = deriveAsymmetricKeys({
      ephemeral,
      fixed,
      deviceEphemeralKey,
      hostEphemeralKey: this.#ephemeralKey,
    });
    if (!timingSafeEqual(receipt, data.subarray(1 + P256_POINT_BYTES))) {
      wipeSessionKeys(keys);
      throw new WrongCredentialsError(authKeyId);
    }
    return new SecureChannel({ sessionId: data[0] ?? 0, keys, chain: receipt });
  }

  /** Wipes the ephemeral key. */
  [Symbol.dispose](): void {
    this.#start.ephemeralPrivateKey.fill(0);
  }
}

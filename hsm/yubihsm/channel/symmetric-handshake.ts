/** Opening a session by an authentication key of two AES keys. Pure: frames in, frames out. */
import { timingSafeEqual } from 'node:crypto';
import { commandCode } from '../commands/command-code.ts';
import { joinBytes, sized, uint16 } from '../commands/wire-bytes.ts';
import { encodeFrame } from '../connector/frame.ts';
import { InvariantError } from '../invariant-error.ts';
import { aesCmac } from './aes-cmac.ts';
import { handshakeReply } from './handshake-reply.ts';
import { MAC_BYTES, SecureChannel } from './secure-channel.ts';
import {
  type AuthenticationKeys,
  CHALLENGE_BYTES,
  cardCryptogram,
  deriveSessionKeys,
  hostCryptogram,
  type SessionKeys,
  wipeSessionKeys,
} from './session-keys.ts';
import { WrongCredentialsError } from './wrong-credentials-error.ts';

/** What MACs begin with before there is one to go on from. */
const FIRST_CHAIN = new Uint8Array(16);

/** What a symmetric handshake begins with. */
export interface SymmetricHandshakeStart {
  readonly authKeyId: number;
  /** Read during the handshake; they stay the caller's. */
  readonly keys: AuthenticationKeys;
  /** 8 random bytes, never used before. */
  readonly hostChallenge: Uint8Array;
}

/** The device's part, once it is known. */
interface Answered {
  readonly sessionId: number;
  readonly keys: SessionKeys;
  readonly chain: Uint8Array;
}

/**
 * The host's side of one handshake: send {@link createSession}, give the reply to {@link receive},
 * send what it returns, give the reply to {@link finish}.
 *
 * AuthenticateSession is sent also when the device has not proven itself, unless the caller looks at
 * {@link isDeviceAuthentic} first: the device then sees that the host is wrong and frees the session
 * at once. {@link finish} fails in any case.
 */
export class SymmetricHandshake implements Disposable {
  /** The frame that begins it. */
  readonly createSession: Uint8Array;
  readonly #start: SymmetricHandshakeStart;
  #answered: Answered | undefined;
  #isDeviceAuthentic = false;

  /** @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
  constructor(start: SymmetricHandshakeStart) {
    this.#start = start;
    sized('encryption key', start.keys.encKey, [16]);
    sized('MAC key', start.keys.macKey, [16]);
    sized('host challenge', start.hostChallenge, [CHALLENGE_BYTES]);
    this.createSession = encodeFrame(
      commandCode('CreateSession'),
      joinBytes(uint16('authKeyId', start.authKeyId), start.hostChallenge),
    );
  }

  /** Whether the device has shown that it has the keys. */
  get isDeviceAuthentic(): boolean {
    return this.#isDeviceAuthentic;
  }

  /**
   * Takes the reply to CreateSession and returns the frame AuthenticateSession.
   *
   * @throws {DeviceError} ERR_YUBIHSM_OBJECT_NOT_FOUND: no such authentication key;
   *   ERR_YUBIHSM_SESSIONS_FULL.
   * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY
   */
  receive(reply: Uint8Array): Uint8Array {
    if (this.#answered !== undefined) throw new InvariantError('a second reply to CreateSession');
    const data = handshakeReply('CreateSession', reply, 1 + 2 * CHALLENGE_BYTES);
    const context = joinBytes(this.#start.hostChallenge, data.subarray(1, 1 + CHALLENGE_BYTES));
    const keys = deriveSessionKeys(this.#start.keys, context);
    this.#isDeviceAuthentic = timingSafeEqual(
      cardCryptogram(keys, context),
      data.subarray(1 + CHALLENGE_BYTES),
    );
    const sessionId = data[0] ?? 0;
    const { frame, chain } = authenticateSession(sessionId, keys, context);
    this.#answered = { sessionId, keys, chain };
    return frame;
  }

  /**
   * Takes the reply to AuthenticateSession and returns the channel, which owns the keys.
   *
   * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS when the device has not proven
   *   itself, whatever it replies.
   * @throws {DeviceError} when it has, and refuses all the same.
   */
  finish(reply: Uint8Array): SecureChannel {
    const answered = this.#answered;
    if (answered === undefined) throw new InvariantError('no reply to CreateSession yet');
    if (!this.#isDeviceAuthentic) {
      this[Symbol.dispose]();
      throw new WrongCredentialsError(this.#start.authKeyId);
    }
    handshakeReply('AuthenticateSession', reply, 0);
    this.#answered = undefined;
    return new SecureChannel(answered);
  }

  /** Wipes the keys of a handshake that was not finished. */
  [Symbol.dispose](): void {
    if (this.#answered !== undefined) wipeSessionKeys(this.#answered.keys);
  }
}

/** The second frame of the handshake, and the full MAC that the session's first message goes on from. */
export function authenticateSession(
  sessionId: number,
  keys: SessionKeys,
  context: Uint8Array,
): { readonly frame: Uint8Array; readonly chain: Uint8Array } {
  const frame = encodeFrame(
    commandCode('AuthenticateSession'),
    joinBytes(Uint8Array.of(sessionId), hostCryptogram(keys, context), new Uint8Array(MAC_BYTES)),
  );
  const chain = aesCmac(keys.macKey, joinBytes(FIRST_CHAIN, frame.subarray(0, -MAC_BYTES)));
  frame.set(chain.subarray(0, MAC_BYTES), frame.length - MAC_BYTES);
  return { frame, chain };
}

/** The device's side of a symmetric handshake, for whatever stands in a device's place. */
import { timingSafeEqual } from 'node:crypto';
import { commandCode } from '../commands/command-code.ts';
import { copyOf, joinBytes } from '../commands/wire-bytes.ts';
import { encodeFrame, REPLY_FLAG } from '../connector/frame.ts';
import { SecureChannel } from './secure-channel.ts';
import {
  type AuthenticationKeys,
  CHALLENGE_BYTES,
  cardCryptogram,
  deriveSessionKeys,
} from './session-keys.ts';
import { authenticateSession } from './symmetric-handshake.ts';

/** What a device begins with, once CreateSession has named one of its authentication keys. */
export interface SymmetricDeviceHandshakeStart {
  readonly keys: AuthenticationKeys;
  readonly sessionId: number;
  readonly hostChallenge: Uint8Array;
  /** 8 random bytes. */
  readonly cardChallenge: Uint8Array;
}

/** Splits the data of a symmetric CreateSession; `undefined` when it has another length. */
export function parseCreateSession(
  data: Uint8Array,
): { readonly authKeyId: number; readonly hostChallenge: Uint8Array } | undefined {
  const [high, low] = data;
  if (high === undefined || low === undefined || data.length !== 2 + CHALLENGE_BYTES) {
    return undefined;
  }
  return { authKeyId: high * 0x100 + low, hostChallenge: copyOf(data.subarray(2)) };
}

/** One handshake as the device sees it. */
export class SymmetricDeviceHandshake {
  /** The frame that answers CreateSession. */
  readonly reply: Uint8Array;
  readonly #expected: Uint8Array;
  readonly #channel: SecureChannel;

  constructor(start: SymmetricDeviceHandshakeStart) {
    const context = joinBytes(start.hostChallenge, start.cardChallenge);
    const keys = deriveSessionKeys(start.keys, context);
    this.reply = encodeFrame(
      commandCode('CreateSession') | REPLY_FLAG,
      joinBytes(Uint8Array.of(start.sessionId), start.cardChallenge, cardCryptogram(keys, context)),
    );
    const { frame, chain } = authenticateSession(start.sessionId, keys, context);
    this.#expected = frame;
    this.#channel = new SecureChannel({ sessionId: start.sessionId, keys, chain });
  }

  /** Takes the frame AuthenticateSession; `undefined` when the host does not have the keys. */
  authenticate(frame: Uint8Array): SecureChannel | undefined {
    const isRight =
      frame.length === this.#expected.length && timingSafeEqual(frame, this.#expected);
    return isRight ? this.#channel : undefined;
  }
}

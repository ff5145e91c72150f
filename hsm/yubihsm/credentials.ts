/** What opens a session, and how. */
import { AsymmetricHandshake } from './channel/asymmetric-handshake.ts';
import { generateP256PrivateKey } from './channel/p256.ts';
import { authenticationKeysFromPassword } from './channel/password.ts';
import type { SecureChannel } from './channel/secure-channel.ts';
import { type AuthenticationKeys, CHALLENGE_BYTES } from './channel/session-keys.ts';
import { SymmetricHandshake } from './channel/symmetric-handshake.ts';
import { WrongCredentialsError } from './channel/wrong-credentials-error.ts';
import { copyOf } from './commands/wire-bytes.ts';
import { ObjectNotFoundError } from './device-errors.ts';
import { AuthKeyNotFoundError } from './session-errors.ts';

/** What belongs to an authentication key. Passwords are bytes, as they are: not trimmed, not normalised. */
export type Credentials =
  | { readonly kind: 'password'; readonly password: Uint8Array }
  | { readonly kind: 'keys'; readonly encKey: Uint8Array; readonly macKey: Uint8Array }
  | {
      readonly kind: 'asymmetric';
      /** A P-256 private key, 32 bytes. */
      readonly privateKey: Uint8Array;
      /** The device's own key, 64 or 65 bytes, from a source that can be trusted. */
      readonly devicePublicKey: Uint8Array;
    };

/** Bytes that nobody can foresee. */
export type RandomBytes = (count: number) => Uint8Array;

/** Sends one frame and returns the one that came back. */
export type Transceive = (frame: Uint8Array) => Promise<Uint8Array>;

/** Which authentication key, and the order of the last two steps. */
export interface OpeningOptions {
  readonly authKeyId: number;
  /**
   * Give up at once when the device does not prove itself, instead of letting it know first. For
   * simulators that break at a wrong AuthenticateSession; a real device keeps the session for 30 s.
   */
  readonly checkBeforeAuthenticating: boolean;
}

/** Credentials without passwords: those are turned into keys at once. */
type KeyCredentials = Exclude<Credentials, { readonly kind: 'password' }>;

/** Copies of credentials, kept for as long as sessions are to be opened, then wiped. */
export class CredentialStore implements Disposable {
  readonly #kept: KeyCredentials;

  /** Derives the keys of a password, which takes some milliseconds. The caller's arrays stay as they are. */
  constructor(credentials: Credentials) {
    this.#kept = keep(credentials);
  }

  /**
   * One handshake: two frames, or one.
   *
   * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS
   * @throws {AuthKeyNotFoundError} ERR_YUBIHSM_AUTH_KEY_NOT_FOUND
   * @throws {SessionsFullError} ERR_YUBIHSM_SESSIONS_FULL
   * @throws {DeviceError} {@link MalformedReplyError}, and what `transceive` throws.
   */
  async openChannel(
    transceive: Transceive,
    randomBytes: RandomBytes,
    options: OpeningOptions,
  ): Promise<SecureChannel> {
    try {
      return this.#kept.kind === 'keys'
        ? await openSymmetric(this.#kept, transceive, randomBytes, options)
        : await openAsymmetric(this.#kept, transceive, randomBytes, options);
    } catch (cause) {
      if (cause instanceof ObjectNotFoundError) {
        throw new AuthKeyNotFoundError(options.authKeyId, { cause });
      }
      throw cause;
    }
  }

  /** Wipes the copies. */
  [Symbol.dispose](): void {
    if (this.#kept.kind === 'keys') {
      this.#kept.encKey.fill(0);
      this.#kept.macKey.fill(0);
    } else {
      this.#kept.privateKey.fill(0);
    }
  }
}

function keep(credentials: Credentials): KeyCredentials {
  switch (credentials.kind) {
    case 'password':
      return { kind: 'keys', ...authenticationKeysFromPassword(credentials.password) };
    case 'keys': {
      const { encKey, macKey } = credentials;
      return { kind: 'keys', encKey: copyOf(encKey), macKey: copyOf(macKey) };
    }
    case 'asymmetric': {
      const { privateKey, devicePublicKey } = credentials;
      return {
        kind: 'asymmetric',
        privateKey: copyOf(privateKey),
        devicePublicKey: copyOf(devicePublicKey),
      };
    }
  }
}

async function openSymmetric(
  keys: AuthenticationKeys,
  transceive: Transceive,
  randomBytes: RandomBytes,
  { authKeyId, checkBeforeAuthenticating }: OpeningOptions,
): Promise<SecureChannel> {
  using handshake = new SymmetricHandshake({
    authKeyId,
    keys,
    hostChallenge: randomBytes(CHALLENGE_BYTES),
  });
  const authenticate = handshake.receive(await transceive(handshake.createSession));
  if (checkBeforeAuthenticating && !handshake.isDeviceAuthentic) {
    throw new WrongCredentialsError(authKeyId);
  }
  return handshake.finish(await transceive(authenticate));
}

async function openAsymmetric(
  keys: { readonly privateKey: Uint8Array; readonly devicePublicKey: Uint8Array },
  transceive: Transceive,
  randomBytes: RandomBytes,
  { authKeyId }: OpeningOptions,
): Promise<SecureChannel> {
  using handshake = new AsymmetricHandshake({
    authKeyId,
    privateKey: keys.privateKey,
    devicePublicKey: keys.devicePublicKey,
    ephemeralPrivateKey: generateP256PrivateKey(randomBytes),
  });
  return handshake.finish(await transceive(handshake.createSession));
}

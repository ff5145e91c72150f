/**
 * `Noise_XX_25519_ChaChaPoly_SHA256`, empty prologue: the handshake as a pure machine. Messages go
 * in and out as byte strings without their length prefix; the keys of the connection come in.
 *
 *     → e          initiator writes
 *     ← e, ee, s, es
 *     → s, se
 */
import { createHash, createHmac } from 'node:crypto';
import { CipherState, TAG_BYTES } from '../crypto/cipher-state.ts';
import { BadHandshakeError } from '../crypto/handshake-error.ts';
import { sodium } from '../crypto/sodium.ts';
import { X25519_BYTES, type X25519KeyPair } from '../crypto/x25519.ts';
import { concatBytes, utf8Bytes } from '../runtime/bytes.ts';
import { InvariantError } from '../runtime/coded-error.ts';

/** Exactly 32 bytes, so it is the first hash itself. */
const PROTOCOL_NAME = 'Noise_XX_25519_ChaChaPoly_SHA256';

type Token = 'e' | 's' | 'ee' | 'es' | 'se';

/** The messages in order; the initiator writes the first and third. */
const MESSAGES: readonly (readonly Token[])[] = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']];

/** Who begins. A signer dials and is the initiator; a node listens and is the responder. */
export type NoiseRole = 'initiator' | 'responder';

/** The two key pairs of one side, both of this connection only. */
export interface NoiseKeys {
  readonly staticKey: X25519KeyPair;
  readonly ephemeralKey: X25519KeyPair;
}

/** The keys of the transport phase. Whoever takes one over wipes it. */
export interface TransportKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

/** One side of a handshake. Dispose it when it is over, however it ended. The key pairs stay the caller's. */
export class NoiseHandshake implements Disposable {
  readonly #role: NoiseRole;
  readonly #keys: NoiseKeys;
  /** Noise's `h`: a hash of all that was said. */
  #hash: Uint8Array;
  /** Noise's `ck`: what the keys come from. */
  #chainingKey: Uint8Array;
  #cipher: CipherState | undefined;
  #message = 0;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;

  constructor(role: NoiseRole, keys: NoiseKeys) {
    this.#role = role;
    this.#keys = keys;
    this.#chainingKey = utf8Bytes(PROTOCOL_NAME);
    this.#hash = sha256(this.#chainingKey);
  }

  /** Whether all three messages have passed. */
  get complete(): boolean {
    return this.#message === MESSAGES.length;
  }

  /** Noise's `h`, the channel binding once {@link complete}. */
  get hash(): Uint8Array {
    return this.#hash.slice();
  }

  /** The peer's X25519 static key, once its message has been read. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  /** Our next message with `payload` in it. */
  write(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#take('write')) {
      if (token === 'e') {
        const { publicKey } = this.#keys.ephemeralKey;
        this.#mixHash(publicKey);
        parts.push(publicKey);
      } else if (token === 's') {
        parts.push(this.#encrypt(this.#keys.staticKey.publicKey));
      } else {
        this.#mixAgreement(token);
      }
    }
    parts.push(this.#encrypt(payload));
    return concatBytes(...parts);
  }

  /**
   * The payload of the peer's next message.
   *
   * @throws {BadHandshakeError} ERR_BAD_HANDSHAKE when it is too short or not sealed by this peer
   * @throws {LowOrderPointError} ERR_LOW_ORDER_POINT
   */
  read(message: Uint8Array): Uint8Array {
    let rest = message;
    const take = (length: number): Uint8Array => {
      if (rest.length < length) throw new BadHandshakeError('a Noise message is too short');
      const part = rest.subarray(0, length);
      rest = rest.subarray(length);
      return part;
    };
    for (const token of this.#take('read')) {
      if (token === 'e') {
        this.#remoteEphemeral = take(X25519_BYTES).slice();
        this.#mixHash(this.#remoteEphemeral);
      } else if (token === 's') {
        this.#remoteStatic = this.#decrypt(take(X25519_BYTES + TAG_BYTES));
      } else {
        this.#mixAgreement(token);
      }
    }
    return this.#decrypt(rest);
  }

  /** The keys of both directions, once {@link complete}. */
  split(): TransportKeys {
    if (!this.complete) throw new InvariantError('a Noise handshake was split before its end');
    const [first, second] = hkdf(this.#chainingKey, new Uint8Array(0));
    return this.#role === 'initiator'
      ? { sendKey: first, receiveKey: second }
      : { sendKey: second, receiveKey: first };
  }

  /** Wipes what it knows. */
  [Symbol.dispose](): void {
    sodium.sodium_memzero(this.#chainingKey);
    this.#cipher?.[Symbol.dispose]();
  }

  /** The tokens of the next message, if it is this side's turn. */
  #take(action: 'write' | 'read'): readonly Token[] {
    const tokens = MESSAGES[this.#message];
    const writer = this.#message % 2 === 0 ? 'initiator' : 'responder';
    if (tokens === undefined || (writer === this.#role) !== (action === 'write')) {
      throw new InvariantError(
        `Noise message ${this.#message + 1} is not this side's to ${action}`,
      );
    }
    this.#message += 1;
    return tokens;
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data);
  }

  /** Diffie-Hellman of the two keys the token names (initiator's first), mixed into the keys. */
  #mixAgreement(token: Token): void {
    const own = this.#role === 'initiator' ? token.charAt(0) : token.charAt(1);
    const remote = this.#role === 'initiator' ? token.charAt(1) : token.charAt(0);
    const pair = own === 'e' ? this.#keys.ephemeralKey : this.#keys.staticKey;
    const peer = remote === 'e' ? this.#remoteEphemeral : this.#remoteStatic;
    if (peer === undefined) throw new InvariantError(`Noise token ${token} before the peer's key`);
    const shared = pair.sharedSecret(peer);
    const [chainingKey, key] = hkdf(this.#chainingKey, shared);
    sodium.sodium_memzero(shared);
    sodium.sodium_memzero(this.#chainingKey);
    this.#chainingKey = chainingKey;
    this.#cipher?.[Symbol.dispose]();
    this.#cipher = new CipherState(key);
  }

  /** In the clear until the first key agreement. */
  #encrypt(plaintext: Uint8Array): Uint8Array {
    let ciphertext = plaintext;
    if (this.#cipher !== undefined) {
      ciphertext = new Uint8Array(plaintext.length + TAG_BYTES);
      this.#cipher.encrypt(ciphertext, plaintext, this.#hash);
    }
    this.#mixHash(ciphertext);
    return ciphertext;
  }

  #decrypt(ciphertext: Uint8Array): Uint8Array {
    let plaintext = ciphertext.slice();
    if (this.#cipher !== undefined) {
      if (ciphertext.length < TAG_BYTES) {
        throw new BadHandshakeError('a Noise message is too short');
      }
      plaintext = new Uint8Array(ciphertext.length - TAG_BYTES);
      try {
        this.#cipher.decrypt(plaintext, ciphertext, this.#hash);
      } catch (cause) {
        throw new BadHandshakeError('a Noise message is not sealed by this peer', { cause });
      }
    }
    this.#mixHash(ciphertext);
    return plaintext;
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Noise's HKDF with two outputs. */
function hkdf(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const secret = hmac(chainingKey, input);
  const first = hmac(secret, Uint8Array.of(0x01));
  const second = hmac(secret, concatBytes(first, Uint8Array.of(0x02)));
  sodium.sodium_memzero(secret);
  return [first, second];
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(data).digest());
}

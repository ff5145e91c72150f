/** What opens a device that is set up: a phrase, and the passwords and the wrap key that follow from it. */
import { hkdfSync } from 'node:crypto';
import { encodeBech32Bytes } from '@privval/proto/crypto/bech32';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { sodium } from '@privval/proto/crypto/sodium';
import { concatBytes } from '@privval/proto/runtime/bytes';
import { formatObjectId } from 'yubihsm/objects/object-id';
import { readSecretFile } from '../file/secret-file.ts';
import { deriveSecret } from './derive-secret.ts';
import { ENTROPY_BYTES, entropyFromPhrase, phraseFromEntropy } from './recovery-phrase.ts';
import type { RoleName } from './roles.ts';

/** What tmkms names this use of HKDF. */
const ENTROPY_INFO = 'yubihsm setup BIP39 derivation';

/** A role's password carries this much of its secret. */
const PASSWORD_BYTES = 16;

/** 24 words of eight letters, and some white space. */
const MAX_PHRASE_FILE_BYTES = 1024;

/**
 * The secrets of one device, or of a device and its spares: the same phrase gives the same ones.
 *
 * What the methods give back is the caller's to dispose.
 */
export class DeviceSecrets implements Disposable {
  readonly #entropy: GuardedBytes;

  private constructor(entropy: GuardedBytes) {
    this.#entropy = entropy;
  }

  /** Takes over 32 bytes. */
  static fromEntropy(entropy: GuardedBytes): DeviceSecrets {
    return new DeviceSecrets(entropy);
  }

  /**
   * New ones, of 32 random bytes of the device and 32 of this machine: either alone would do, and
   * neither is trusted alone. Both arrays are wiped.
   */
  static generate(deviceRandom: Uint8Array): DeviceSecrets {
    const hostRandom = new Uint8Array(ENTROPY_BYTES);
    sodium.randombytes_buf(hostRandom);
    const input = concatBytes(deviceRandom, hostRandom);
    const output = new Uint8Array(hkdfSync('sha512', input, '', ENTROPY_INFO, ENTROPY_BYTES));
    for (const bytes of [deviceRandom, hostRandom, input]) bytes.fill(0);
    return new DeviceSecrets(GuardedBytes.take(output));
  }

  /**
   * Those of a phrase in a file.
   *
   * @throws {InvalidRecoveryPhraseError} ERR_RECOVERY_PHRASE
   * @throws whatever {@link readSecretFile} throws.
   */
  static fromPhraseFile(path: string): DeviceSecrets {
    using file = readSecretFile(path, { maxBytes: MAX_PHRASE_FILE_BYTES });
    return new DeviceSecrets(entropyFromPhrase(file, path));
  }

  /** The 24 words, joined by single spaces. */
  phrase(): GuardedBytes {
    return phraseFromEntropy(this.#entropy);
  }

  /**
   * A role's password, as bytes. The admin's is the phrase itself. `temporary` opens the key that
   * exists during setup: being derived too, it can be had again after a setup that broke off.
   */
  password(role: RoleName | 'temporary'): GuardedBytes {
    if (role === 'admin') return this.phrase();
    using secret = deriveSecret(this.#entropy, ['role', role]);
    return secret.use((bytes) =>
      GuardedBytes.take(
        encodeBech32Bytes(`kms-${role}-password-`, bytes.subarray(0, PASSWORD_BYTES)),
      ),
    );
  }

  /** The 32 bytes of the wrap key with this id on the device. */
  wrapKey(id: number): GuardedBytes {
    return deriveSecret(this.#entropy, ['wrap', formatObjectId(id)]);
  }

  /** Wipes the entropy. */
  [Symbol.dispose](): void {
    this.#entropy[Symbol.dispose]();
  }
}

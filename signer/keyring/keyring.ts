/** Which of a validator's keys signs: a function of the height in the request, and of nothing else (S38). */
import type { SigningKey } from '@privval/hsm/signing-key';
import {
  addressFromPublicKey,
  ed25519PublicKey,
  type PublicKey,
} from '@privval/proto/crypto/public-key';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type KeySchedule, type KeySchedules, keyAt } from './key-schedule.ts';

/** Whose keys, and who says which signs when. */
export interface KeyringOwner {
  /** The validator's name in the store. */
  readonly validator: string;
  readonly schedules: KeySchedules;
}

/** The key of this height belongs to the validator and is not open here. */
export class KeyNotInServiceError extends CodedError {
  override readonly name = 'KeyNotInServiceError';
  readonly code = 'ERR_KEY_NOT_IN_SERVICE';

  constructor(height: bigint) {
    super(`the key that signs height ${height} is not in service`);
  }
}

/**
 * One validator's keys by height. Opened and closed by their owner, not here; each is on the ring
 * from when it is open until it is to sign no more.
 *
 * What may sign is decided by the store, in the floor's transaction, with the same schedule (S38):
 * the ring finds the open key to a public key, and answers those who ask for one.
 */
export class Keyring {
  readonly #owner: KeyringOwner;
  readonly #open = new Map<string, SigningKey>();
  /** By the schedule's own arrays, which are replaced and never changed. */
  readonly #named = new WeakMap<Uint8Array, NamedKey>();

  /** Without an owner: one key that signs every height, as where no rotation is known. */
  constructor(key?: SigningKey, owner?: KeyringOwner) {
    this.#owner = owner ?? ownerOfOne(key);
    if (key !== undefined) this.add(key);
  }

  /** Puts an open key on the ring, in the place of one with the same public key. */
  add(key: SigningKey): void {
    this.#open.set(hexFromBytes(key.publicKey.bytes), key);
  }

  /** Takes `key` off, if it is on it: it is about to be closed. */
  remove(key: SigningKey): void {
    const name = hexFromBytes(key.publicKey.bytes);
    if (this.#open.get(name) === key) this.#open.delete(name);
  }

  /** The key that signs at this height. @throws {KeyNotInServiceError} ERR_KEY_NOT_IN_SERVICE */
  keyFor(height: bigint): SigningKey {
    const key = this.byPublicKey(keyAt(this.#schedule, height));
    if (key === undefined) throw new KeyNotInServiceError(height);
    return key;
  }

  /**
   * The public key to answer a node with that signs `nextHeight` next (S41). Where that is not
   * known: while a rotation is armed the key before it, else the newest (S42). It need not be open.
   */
  publicKeyFor(nextHeight?: bigint): PublicKey {
    const schedule = this.#schedule;
    const [newest] = schedule.slice(-1);
    if (nextHeight !== undefined) return this.#nameOf(keyAt(schedule, nextHeight)).publicKey;
    const armedAt = this.#owner.schedules.armedAt(this.#owner.validator);
    const key = armedAt === undefined ? newest?.publicKey : keyAt(schedule, armedAt - 1n);
    return this.#nameOf(key ?? schedule[0].publicKey).publicKey;
  }

  /** The validator address that votes at this height carry. 20 bytes. */
  addressFor(height: bigint): Uint8Array {
    return this.#nameOf(keyAt(this.#schedule, height)).address;
  }

  /**
   * The key a vote says it is for: the one of this validator's, in an era or not, open or not,
   * whose address it carries (S43). `undefined` for an empty address and one that is none of ours.
   */
  claimedKey(address: Uint8Array): Uint8Array | undefined {
    if (address.length === 0) return undefined;
    const { validator, schedules } = this.#owner;
    return schedules
      .knownKeysOf(validator)
      .find((key) => equalBytes(this.#nameOf(key).address, address));
  }

  /** The key a floor is bound to, if it is open. */
  byPublicKey(publicKey: Uint8Array): SigningKey | undefined {
    return this.#open.get(hexFromBytes(publicKey));
  }

  get #schedule(): KeySchedule {
    return this.#owner.schedules.scheduleOf(this.#owner.validator);
  }

  #nameOf(key: Uint8Array): NamedKey {
    const known = this.#named.get(key);
    if (known !== undefined) return known;
    const publicKey = ed25519PublicKey(key);
    const named = { publicKey, address: addressFromPublicKey(publicKey) };
    this.#named.set(key, named);
    return named;
  }
}

/** A key's other names, made once. */
interface NamedKey {
  readonly publicKey: PublicKey;
  readonly address: Uint8Array;
}

function ownerOfOne(key: SigningKey | undefined): KeyringOwner {
  const publicKey = key?.publicKey.bytes ?? new Uint8Array(32);
  const schedule: KeySchedule = [{ publicKey, fromHeight: 0n }];
  const known = [publicKey];
  return {
    validator: '',
    schedules: {
      scheduleOf: () => schedule,
      knownKeysOf: () => known,
      armedAt: () => undefined,
    },
  };
}

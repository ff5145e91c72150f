/** Commands about authentication keys: who may open a session. */
import { type AlgorithmName, algorithmCode } from '../objects/algorithm.ts';
import { type Capability, capabilityBits } from '../objects/capability.ts';
import { encodeObjectId } from '../objects/object-id.ts';
import { encodeObjectParams, type ObjectParams } from '../objects/object-params.ts';
import type { Command } from './command.ts';
import { makeCommand, readId } from './make-command.ts';
import { joinBytes, sized, uint8, uint64 } from './wire-bytes.ts';

/** What the device keeps of an authentication key. */
export type AuthenticationKeyContent =
  /** Two AES-128 keys, 16 bytes each, usually derived from a password. */
  | { readonly kind: 'symmetric'; readonly encKey: Uint8Array; readonly macKey: Uint8Array }
  /** A P-256 public key: 64 bytes `X ‖ Y`, or 65 with the leading 04. Firmware 2.3 and later. */
  | { readonly kind: 'asymmetric'; readonly publicKey: Uint8Array };

/** An authentication key to be created: the algorithm follows from the keys. */
export type AuthenticationKeyParams = Omit<ObjectParams, 'algorithm'>;

/**
 * Creates an authentication key; the reply is its id. `delegated` is what objects made in its sessions
 * may have. Needs put-authentication-key.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function putAuthenticationKey(
  params: AuthenticationKeyParams,
  delegated: readonly Capability[],
  keys: AuthenticationKeyContent,
): Command<number> {
  const data = joinBytes(
    encodeObjectParams({ ...params, algorithm: algorithmOf(keys) }),
    uint64('delegated capabilities', capabilityBits(delegated)),
    encodeKeys(keys),
  );
  return makeCommand('PutAuthenticationKey', data, readId);
}

/**
 * Replaces the keys of the very authentication key whose session this is; the reply is its id. Needs
 * change-authentication-key, firmware 2.1 or later.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function changeAuthenticationKey(
  id: number,
  keys: AuthenticationKeyContent,
): Command<number> {
  const data = joinBytes(
    encodeObjectId(id),
    uint8('algorithm', algorithmCode(algorithmOf(keys))),
    encodeKeys(keys),
  );
  return makeCommand('ChangeAuthenticationKey', data, readId);
}

function algorithmOf(keys: AuthenticationKeyContent): AlgorithmName {
  return keys.kind === 'symmetric'
    ? 'aes128-yubico-authentication'
    : 'ec-p256-yubico-authentication';
}

function encodeKeys(keys: AuthenticationKeyContent): Uint8Array {
  if (keys.kind === 'symmetric') {
    return joinBytes(sized('encKey', keys.encKey, [16]), sized('macKey', keys.macKey, [16]));
  }
  const { publicKey } = keys;
  return publicKey.length === 65 && publicKey[0] === 0x04
    ? publicKey.subarray(1)
    : sized('publicKey', publicKey, [64]);
}

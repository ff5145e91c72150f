/** What a new key signs to show that somebody has it, and who (S47). */
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { RotationProof } from './rotation.ts';

/**
 * The fields, in this order, each as its length in bytes (4, big-endian) and its bytes. The message
 * begins with the byte 00 and the name of the format: a length-delimited message that begins so is
 * empty, and can be no vote, proposal or extension in any dialect, nor one of S27's check messages.
 */
export interface PossessionClaim {
  readonly chainId: string;
  /** Operator address, where the chain has such; empty on others. */
  readonly operator: string;
  /** 32 bytes. */
  readonly oldKey: Uint8Array;
  /** 32 bytes: never one that was active. */
  readonly newKey: Uint8Array;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  /** Seconds since 1970, decimal. */
  readonly expiresAt: string;
}

/** Name of the format, after the byte 00. */
export const POSSESSION_DOMAIN = 'privval proof of possession 1';

const START: Uint8Array = concatBytes(new Uint8Array([0]), utf8Bytes(POSSESSION_DOMAIN));

/** Bytes that are no proof of possession. */
export class InvalidPossessionError extends CodedError {
  override readonly name = 'InvalidPossessionError';
  readonly code = 'ERR_INVALID_POSSESSION';

  constructor(reason: string, options?: ErrorOptions) {
    super(`this is no proof of possession: ${reason}`, options);
  }
}

/** What the new key signs. */
export function possessionMessage(claim: PossessionClaim): Uint8Array {
  const { chainId, operator, oldKey, newKey, nonce, expiresAt } = claim;
  const fields = [
    utf8Bytes(chainId),
    utf8Bytes(operator),
    oldKey,
    newKey,
    nonce,
    utf8Bytes(expiresAt),
  ];
  return concatBytes(START, ...fields.flatMap((field) => [lengthOf(field), field]));
}

/**
 * Reads what {@link possessionMessage} has written, and no other spelling of it.
 *
 * @throws {InvalidPossessionError} ERR_INVALID_POSSESSION
 */
export function parsePossession(message: Uint8Array): PossessionClaim {
  const isOurs = START.every((byte, at) => message[at] === byte);
  if (!isOurs) throw new InvalidPossessionError('it begins otherwise');
  const fields: Uint8Array[] = [];
  let at = START.length;
  while (at < message.length) {
    const view = new DataView(message.buffer, message.byteOffset, message.length);
    if (at + 4 > message.length) throw new InvalidPossessionError('it ends within a length');
    const end = at + 4 + view.getUint32(at);
    if (end > message.length) throw new InvalidPossessionError('it ends within a field');
    fields.push(message.slice(at + 4, end));
    at = end;
  }
  const [chainId, operator, oldKey, newKey, nonce, expiresAt, more] = fields;
  if (
    chainId === undefined ||
    operator === undefined ||
    oldKey?.length !== 32 ||
    newKey?.length !== 32 ||
    nonce?.length !== 32 ||
    expiresAt === undefined ||
    more !== undefined
  ) {
    throw new InvalidPossessionError('its fields are others');
  }
  return {
    chainId: textOf(chainId),
    operator: textOf(operator),
    oldKey,
    newKey,
    nonce,
    expiresAt: textOf(expiresAt),
  };
}

/**
 * The claim, if the new key that it names has signed it. What it says, and whether it has expired,
 * is for the caller to compare.
 *
 * @throws {InvalidPossessionError} ERR_INVALID_POSSESSION
 */
export function verifyPossession({ message, signature }: RotationProof): PossessionClaim {
  const claim = parsePossession(message);
  if (!verifyStrict(ed25519PublicKey(claim.newKey), message, signature)) {
    throw new InvalidPossessionError('its signature is not by the key it names');
  }
  return claim;
}

function lengthOf(field: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, field.length);
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidPossessionError('one of its texts is none', { cause });
  }
}

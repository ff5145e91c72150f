/**
 * `priv_validator_state.json`: what a key signed last, as every node keeps it (spec/privval.md 5.3).
 *
 * Nothing in the file says whose it is, and a node reads `{}` as "nothing signed yet". Here every
 * key must be there in its own type, and {@link checkFilePvState} ties the file to chain and key (S3).
 *
 * @module
 */

import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import {
  base64FromBytes,
  bytesFromBase64,
  bytesFromHex,
  hexFromBytes,
  utf8Bytes,
} from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { ChainId } from '@privval/proto/types/chain-id';
import { type JsonSpan, readJsonObject, textOfSpan } from './json-spans.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_INT32 = 2 ** 31 - 1;
const SIGNATURE_BYTES = 64;

/** In the order of their numbers in the file. */
const STEPS = ['none', 'propose', 'prevote', 'precommit'] as const;

/**
 * The key that marks an export of a home that was being served (S12), and why it is there. Nodes
 * skip keys they do not know; this reader does not skip this one.
 */
const STALE_KEY = 'stale';
const STALE_REASON =
  'exported from a running signer, which may have signed since: not to be imported as it is';

/** What a state file says. The fields are those of a floor. */
export interface FilePvState {
  readonly height: bigint;
  readonly round: number;
  readonly step: (typeof STEPS)[number];
  /** With their length prefix; together with `signature`, or neither is there. */
  readonly signBytes?: Uint8Array | undefined;
  readonly signature?: Uint8Array | undefined;
  /** Marked as exported from a running signer (S12). */
  readonly isStale: boolean;
}

/** A state file is not what a node writes. It is never read as "nothing signed yet". */
export class StateFileMalformedError extends CodedError {
  override readonly name = 'StateFileMalformedError';
  readonly code = 'ERR_STATE_FILE_MALFORMED';

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `the state file cannot be used: ${reason}. Take an undamaged one, or give a height below which nothing is to be signed`,
      options,
    );
  }
}

/** A state file belongs to another chain or key, or contradicts itself (S3). */
export class ForeignStateFileError extends CodedError {
  override readonly name = 'ForeignStateFileError';
  readonly code = 'ERR_STATE_FILE_FOREIGN';
  readonly part: 'chain' | 'key' | 'position';

  constructor(part: 'chain' | 'key' | 'position', reason: string) {
    super(`the state file does not belong to this validator: ${reason}`);
    this.part = part;
  }
}

/** A state file was exported while the signer went on signing (S12). */
export class StaleStateFileError extends CodedError {
  override readonly name = 'StaleStateFileError';
  readonly code = 'ERR_STATE_FILE_STALE';

  constructor() {
    super(
      'the state file was exported from a running signer, which may have signed since: stop that signer and export again, or give a floor height at or above anything it can have signed',
    );
  }
}

/**
 * Reads a state file, strictly. Unknown keys are skipped, as a node does.
 *
 * @throws {StateFileMalformedError} ERR_STATE_FILE_MALFORMED on a missing key, a number where a
 *   text belongs or the other way round, a value out of range, or sign bytes without signature.
 */
export function parseFilePvState(bytes: Uint8Array): FilePvState {
  const file = new StateFields(bytes);
  if (file.has('block_id')) {
    throw new StateFileMalformedError(
      'it is one of TMKMS, which counts steps differently and keeps no sign bytes',
    );
  }
  const height = BigInt(file.matching('height', 'string', /^(?:0|[1-9][0-9]{0,18})$/));
  if (height > MAX_INT64) throw new StateFileMalformedError('height is beyond int64');
  const round = Number(file.matching('round', 'number', /^(?:0|[1-9][0-9]{0,9})$/));
  if (round > MAX_INT32) throw new StateFileMalformedError('round is beyond int32');
  const step = STEPS[Number(file.matching('step', 'number', /^[0-3]$/))] ?? 'none';
  const signature = file.bytes('signature', bytesFromBase64);
  const signBytes = file.bytes('signbytes', bytesFromHex);
  if ((signature === undefined) !== (signBytes === undefined)) {
    throw new StateFileMalformedError('it has signature or signbytes without the other');
  }
  if (signature !== undefined && signature.length !== SIGNATURE_BYTES) {
    throw new StateFileMalformedError(`signature has ${signature.length} bytes instead of 64`);
  }
  if (step === 'none' && signBytes !== undefined) {
    throw new StateFileMalformedError('it has a signature at step 0, where nothing is signed');
  }
  return { height, round, step, signBytes, signature, isStale: file.has(STALE_KEY) };
}

/**
 * The bytes a node would write. A stale one has one key more, at the end.
 *
 * Sign bytes without a signature are left out: a node that finds them alone stops with a panic.
 */
export function encodeFilePvState(state: FilePvState): Uint8Array {
  const { height, round, step, signature, signBytes, isStale } = state;
  const file = {
    height: String(height),
    round,
    step: STEPS.indexOf(step),
    ...(signature !== undefined && signBytes !== undefined
      ? {
          signature: base64FromBytes(signature),
          signbytes: hexFromBytes(signBytes).toUpperCase(),
        }
      : {}),
    ...(isStale ? { [STALE_KEY]: STALE_REASON } : {}),
  };
  return utf8Bytes(JSON.stringify(file, null, 2));
}

/** Whose state file it should be. */
export interface StateFileOwner {
  readonly chainId: ChainId;
  readonly publicKey: PublicKey;
  /** Given beside the file: the higher of the two counts, and a stale file is good enough then. */
  readonly floorHeight?: bigint | undefined;
}

/**
 * Refuses a file that is stale, or that is not this validator's (S3, S12). Without sign bytes there
 * is nothing to compare: such a file passes, and its position is then refused as a whole.
 *
 * @throws {StaleStateFileError} ERR_STATE_FILE_STALE
 * @throws {ForeignStateFileError} ERR_STATE_FILE_FOREIGN when the sign bytes name another chain or
 *   another position than the file, or the signature does not verify with this key.
 * @throws {StateFileMalformedError} ERR_STATE_FILE_MALFORMED when the sign bytes cannot be read.
 */
export function checkFilePvState(state: FilePvState, owner: StateFileOwner): void {
  if (state.isStale && owner.floorHeight === undefined) throw new StaleStateFileError();
  const { signBytes, signature } = state;
  if (signBytes === undefined || signature === undefined) return;
  const message = parsed(signBytes);
  if (message.chainId !== owner.chainId) {
    throw new ForeignStateFileError(
      'chain',
      `it is one of chain ${JSON.stringify(message.chainId)}, not of ${JSON.stringify(owner.chainId)}`,
    );
  }
  const step = message.kind === 'proposal' ? 'propose' : message.type;
  if (message.height !== state.height || message.round !== state.round || step !== state.step) {
    throw new ForeignStateFileError(
      'position',
      `it stands at ${state.height}/${state.round}/${state.step}, its sign bytes at ${message.height}/${message.round}/${step}`,
    );
  }
  if (!verifyStrict(owner.publicKey, signBytes, signature)) {
    throw new ForeignStateFileError('key', 'its signature is not one by this key');
  }
}

function parsed(signBytes: Uint8Array): ReturnType<typeof parseSignBytes> {
  try {
    return parseSignBytes(signBytes);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new StateFileMalformedError('signbytes are no canonical vote or proposal', { cause });
  }
}

/** A state file by its keys. */
class StateFields {
  readonly #bytes: Uint8Array;
  readonly #members: ReadonlyMap<string, JsonSpan>;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#members = wellFormed(() => readJsonObject(bytes)).members;
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  /** The text of a required value. */
  matching(key: string, kind: 'string' | 'number', pattern: RegExp): string {
    const span = this.#members.get(key);
    if (span === undefined) throw new StateFileMalformedError(`${key} is missing`);
    if (span.kind !== kind) throw new StateFileMalformedError(`${key} is not a ${kind}`);
    const text = wellFormed(() => textOfSpan(this.#bytes, span));
    if (!pattern.test(text)) throw new StateFileMalformedError(`${key} has no valid value`);
    return text;
  }

  /** The bytes of an optional text; an empty one is not the same as none, and refused. */
  bytes(key: string, decode: (text: string) => Uint8Array): Uint8Array | undefined {
    if (!this.has(key)) return undefined;
    const text = this.matching(key, 'string', /./);
    try {
      return decode(text);
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      throw new StateFileMalformedError(`${key} cannot be decoded`, { cause });
    }
  }
}

function wellFormed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new StateFileMalformedError(cause.message, { cause });
  }
}

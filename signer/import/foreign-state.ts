/**
 * What other signers keep of the last thing they signed. Three forms, much alike and not the same:
 *
 * | | `round` | `step` of a proposal, prevote, precommit | what else |
 * |---|---|---|---|
 * | FilePV (nodes, cosmos kms, horcrux in single mode) | number | 1, 2, 3 | sign bytes and signature |
 * | tmkms | text | 0, 1, 2 | `block_id` |
 * | horcrux (threshold) | text | 1, 2, 3 | `nonce_public`; sign bytes with a signature, or a share of one |
 *
 * A step read by the wrong row is a double sign, so the form is never guessed where it matters.
 */
import { basename } from 'node:path';
import {
  checkFilePvState,
  ForeignStateFileError,
  parseFilePvState,
  StaleStateFileError,
  StateFileMalformedError,
} from '@privval/hsm/file/file-pv-state';
import { type JsonSpan, readJsonObject, textOfSpan } from '@privval/hsm/file/json-spans';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import { bytesFromBase64, bytesFromHex } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { MAX_HEIGHT, MAX_ROUND, type Position } from '../guard/hrs.ts';
import type { Floor } from '../guard/sign-state-store.ts';
import { type FloorOwner, floorFromStateFile, readStateFile } from '../home/first-floor.ts';
import type { ForeignSigner } from './foreign-validator.ts';

/** Whose way of writing a state has. */
export type StateForm = 'filepv' | 'tmkms' | 'horcrux';

/** One state file of another signer. */
export interface ForeignState {
  readonly path: string;
  /** As it was read. */
  readonly content: Uint8Array;
  readonly form: StateForm;
  /** With step numbers as FilePV has them, whatever the file counts. */
  readonly position: Position;
  /**
   * The floor it stands for.
   *
   * @throws {StaleStateFileError} ERR_STATE_FILE_STALE unless a height comes with it (S12)
   * @throws {ForeignStateFileError} ERR_STATE_FILE_FOREIGN (S3)
   */
  readonly floorOf: (owner: FloorOwner, floorHeight: bigint | undefined) => Floor;
}

/** Steps by their number in FilePV and horcrux. */
const STEPS = ['none', 'propose', 'prevote', 'precommit'] as const;

/** An export of a running signer of ours has it, whatever it was made into since (S12). */
const STALE_KEY = 'stale';

/**
 * Reads a state file that was found with, or is given for, a validator of `signer`.
 *
 * @throws {StateFileUnreadableError} ERR_STATE_FILE_UNREADABLE
 * @throws {StateFileMalformedError} ERR_STATE_FILE_MALFORMED
 */
export function readForeignState(path: string, signer: ForeignSigner): ForeignState {
  return parseForeignState(readStateFile(path), { path, signer });
}

/** As {@link readForeignState}, of content that is there. `path` is for messages, and tells horcrux's two files apart. */
export function parseForeignState(
  content: Uint8Array,
  { path, signer }: { readonly path: string; readonly signer: ForeignSigner },
): ForeignState {
  try {
    const fields = new StateFields(content);
    switch (formOf(fields, signer)) {
      case 'filepv':
        return filePvState(path, content);
      case 'tmkms':
        return tmkmsState(path, content, fields);
      case 'horcrux':
        return horcruxState(path, content, fields);
    }
  } catch (error) {
    throw ofFile(path, error);
  }
}

/** A hand-written file without its owner's sign is read only where one owner is left. */
function formOf(fields: StateFields, signer: ForeignSigner): StateForm {
  if (fields.has('block_id')) return 'tmkms';
  if (fields.has('nonce_public')) return 'horcrux';
  if (fields.kindOf('round') !== 'string') return 'filepv';
  if (signer === 'tmkms' || signer === 'horcrux') return signer;
  throw new StateFileMalformedError(
    'its round is a text, as tmkms and horcrux write it, who count steps differently, and nothing in it says which of the two wrote it',
  );
}

function filePvState(path: string, content: Uint8Array): ForeignState {
  const { height, round, step } = parseFilePvState(content);
  return {
    path,
    content,
    form: 'filepv',
    position: { height, round, step },
    floorOf: (owner, floorHeight) =>
      inFile(path, () => floorFromStateFile(content, owner, floorHeight)),
  };
}

/** Position only: which message was signed there, nobody knows. */
function tmkmsState(path: string, content: Uint8Array, fields: StateFields): ForeignState {
  const height = fields.height();
  const round = fields.round(['string', 'number']);
  const number = Number(fields.matching('step', ['number'], /^[0-2]$/));
  // Before its first signature it stands at height 0, as if a proposal had been signed there.
  const position: Position =
    height === 0n
      ? { height, round: 0, step: 'none' }
      : { height, round, step: stepOf(number + 1) };
  return {
    path,
    content,
    form: 'tmkms',
    position,
    floorOf: (_owner, floorHeight) =>
      inFile(path, () => {
        fields.checkStale(floorHeight);
        return position;
      }),
  };
}

/**
 * Position only, too: at one position a cluster may have signed two messages that differ in time,
 * and each cosigner has its own word on it.
 */
function horcruxState(path: string, content: Uint8Array, fields: StateFields): ForeignState {
  const position: Position = {
    height: fields.height(),
    round: fields.round(['string', 'number']),
    step: stepOf(Number(fields.matching('step', ['number'], /^[0-3]$/))),
  };
  const signBytes = fields.bytes('signbytes', bytesFromHex);
  const signature = fields.bytes('signature', bytesFromBase64);
  // A cosigner's own file has a share of a signature, which no key verifies.
  const isShare = basename(path).includes('share_sign_state');
  return {
    path,
    content,
    form: 'horcrux',
    position,
    floorOf: (owner, floorHeight) =>
      inFile(path, () => {
        fields.checkStale(floorHeight);
        if (signBytes === undefined) return position;
        if (isShare || signature === undefined) checkSignBytes(signBytes, position, owner);
        else checkFilePvState({ ...position, signBytes, signature, isStale: false }, owner);
        return position;
      }),
  };
}

/** S3 for a file whose signature says nothing. */
function checkSignBytes(signBytes: Uint8Array, position: Position, owner: FloorOwner): void {
  const message = wellFormed('signbytes are no canonical vote or proposal', () =>
    parseSignBytes(signBytes),
  );
  if (message.chainId !== owner.chainId) {
    throw new ForeignStateFileError(
      'chain',
      `it is one of chain ${JSON.stringify(message.chainId)}, not of ${JSON.stringify(owner.chainId)}`,
    );
  }
  const step = message.kind === 'proposal' ? 'propose' : message.type;
  const { height, round } = position;
  if (message.height !== height || message.round !== round || step !== position.step) {
    throw new ForeignStateFileError(
      'position',
      `it stands at ${height}/${round}/${position.step}, its sign bytes at ${message.height}/${message.round}/${step}`,
    );
  }
}

function stepOf(number: number): Position['step'] {
  return STEPS[number] ?? 'precommit';
}

/** A state file by its keys. */
class StateFields {
  readonly #bytes: Uint8Array;
  readonly #members: ReadonlyMap<string, JsonSpan>;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#members = wellFormed('it is not JSON', () => readJsonObject(bytes)).members;
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  kindOf(key: string): JsonSpan['kind'] | undefined {
    return this.#members.get(key)?.kind;
  }

  height(): bigint {
    const height = BigInt(this.matching('height', ['string'], /^(?:0|[1-9][0-9]{0,18})$/));
    if (height > MAX_HEIGHT) throw new StateFileMalformedError('height is beyond int64');
    return height;
  }

  round(kinds: readonly JsonSpan['kind'][]): number {
    const round = Number(this.matching('round', kinds, /^(?:0|[1-9][0-9]{0,9})$/));
    if (round > MAX_ROUND) throw new StateFileMalformedError('round is beyond int32');
    return round;
  }

  /** The text of a required value. */
  matching(key: string, kinds: readonly JsonSpan['kind'][], pattern: RegExp): string {
    const span = this.#members.get(key);
    if (span === undefined) throw new StateFileMalformedError(`${key} is missing`);
    if (!kinds.includes(span.kind)) {
      throw new StateFileMalformedError(`${key} is not a ${kinds[0]}`);
    }
    const text = wellFormed(`${key} cannot be read`, () => textOfSpan(this.#bytes, span));
    if (!pattern.test(text)) throw new StateFileMalformedError(`${key} is out of range`);
    return text;
  }

  /** Bytes; `undefined` where Go left them out, or wrote none. */
  bytes(key: string, decode: (text: string) => Uint8Array): Uint8Array | undefined {
    const span = this.#members.get(key);
    if (span === undefined || span.kind === 'literal') return undefined;
    if (span.kind !== 'string') throw new StateFileMalformedError(`${key} is not a text`);
    const bytes = wellFormed(`${key} cannot be read`, () => decode(textOfSpan(this.#bytes, span)));
    return bytes.length === 0 ? undefined : bytes;
  }

  /** @throws {StaleStateFileError} ERR_STATE_FILE_STALE (S12) */
  checkStale(floorHeight: bigint | undefined): void {
    if (this.has(STALE_KEY) && floorHeight === undefined) throw new StaleStateFileError();
  }
}

function wellFormed<T>(otherwise: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CodedError) || cause instanceof StateFileMalformedError) throw cause;
    throw new StateFileMalformedError(otherwise, { cause });
  }
}

function inFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw ofFile(path, error);
  }
}

/** Several files are read: the error says which it is about. */
function ofFile(path: string, error: unknown): unknown {
  if (error instanceof CodedError && !error.message.includes(path)) {
    error.message = `${path}: ${error.message}`;
  }
  return error;
}

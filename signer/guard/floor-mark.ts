/** `floor.mark`: how far `floor.db` has come, in a file of its own (S11). */
import { hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { equalBytes } from '@privval/proto/runtime/bytes';
import {
  FloorMarkDamagedError,
  FloorMarkMissingError,
  FloorUnwritableError,
} from './sign-state-errors.ts';

/** First bytes of the file: name and version of the format. */
const MAGIC = new TextEncoder().encode('PVMARK01');

const HOME_ID_OFFSET = MAGIC.length;
const GENERATION_OFFSET = HOME_ID_OFFSET + 16;
const CHECKSUM_OFFSET = GENERATION_OFFSET + 8;

/** The whole file: far below a sector, so that a write of it is all there or not at all. */
const MARK_BYTES = CHECKSUM_OFFSET + 32;

/** Length of a home's id in bytes. */
export const HOME_ID_BYTES = 16;

/** What a mark says. */
export interface MarkContent {
  /** 16 random bytes, the same as in the database: they belong together. */
  readonly homeId: Uint8Array;
  /** The newest commit that is known to have returned. */
  readonly generation: bigint;
}

/**
 * The mark of a home: written over in place after each commit, never synced after its creation.
 *
 * It need not survive a power cut: the database it is compared with does. It must survive what
 * takes the database's newest commits away while the machine runs on: a lost `-wal`, a restored
 * `floor.db`. A write that fails is a failed commit for the store, for the same reason.
 */
export class FloorMark implements Disposable {
  readonly #fd: number;
  readonly #bytes: Buffer;

  private constructor(fd: number, bytes: Buffer) {
    this.#fd = fd;
    this.#bytes = bytes;
  }

  /**
   * Makes, or replaces, the mark at `path`; it and its folder are synced when this returns.
   * @throws {FloorUnwritableError} ERR_FLOOR_UNWRITABLE
   */
  static create(path: string, content: MarkContent): void {
    const temporary = join(dirname(path), `.${basename(path)}-${randomBytes(6).toString('hex')}`);
    try {
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        writeAll(fd, encodeMark(content));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, path);
      syncDirectory(dirname(path));
    } catch (cause) {
      rmSync(temporary, { force: true });
      throw new FloorUnwritableError(dirname(path), { cause });
    }
  }

  /**
   * @throws {FloorMarkMissingError} ERR_FLOOR_MARK_MISSING
   * @throws {FloorUnwritableError} ERR_FLOOR_UNWRITABLE when it cannot be opened for writing.
   */
  static open(path: string): FloorMark {
    if (!existsSync(path)) throw new FloorMarkMissingError(dirname(path));
    try {
      return new FloorMark(openSync(path, 'r+'), Buffer.alloc(MARK_BYTES));
    } catch (cause) {
      throw new FloorUnwritableError(dirname(path), { cause });
    }
  }

  /** @throws {FloorMarkDamagedError} ERR_FLOOR_MARK_DAMAGED on any length, format or checksum but its own. */
  read(): MarkContent {
    try {
      const length = fstatSync(this.#fd).size;
      if (length !== MARK_BYTES) {
        throw new FloorMarkDamagedError(`${length} bytes instead of ${MARK_BYTES}`);
      }
      const bytes = new Uint8Array(MARK_BYTES);
      readSync(this.#fd, bytes, 0, MARK_BYTES, 0);
      const content = decodeMark(bytes);
      this.#bytes.set(bytes);
      return content;
    } catch (cause) {
      if (cause instanceof FloorMarkDamagedError) throw cause;
      throw new FloorMarkDamagedError('it cannot be read', { cause });
    }
  }

  /**
   * The record of commit `generation`, to be written by calling what is returned once the commit
   * has returned. Made before it, since right after a sync the processor's caches are cold: 12 µs
   * of every answer otherwise. To be called after {@link read}. Not synced (S11).
   */
  prepare(generation: bigint): () => void {
    this.#bytes.writeBigUInt64BE(generation, GENERATION_OFFSET);
    this.#bytes.set(checksumOf(this.#bytes), CHECKSUM_OFFSET);
    return () => writeAll(this.#fd, this.#bytes);
  }

  /** {@link prepare} and its writing in one. */
  write(generation: bigint): void {
    this.prepare(generation)();
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** A new home's id. */
export function newHomeId(): Uint8Array {
  return new Uint8Array(randomBytes(HOME_ID_BYTES));
}

/** Makes what was created or renamed in a folder survive a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function encodeMark({ homeId, generation }: MarkContent): Buffer {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.set(MAGIC);
  bytes.set(homeId, HOME_ID_OFFSET);
  bytes.writeBigUInt64BE(generation, GENERATION_OFFSET);
  bytes.set(checksumOf(bytes), CHECKSUM_OFFSET);
  return bytes;
}

function decodeMark(bytes: Uint8Array): MarkContent {
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
    throw new FloorMarkDamagedError('it does not begin as one');
  }
  if (!equalBytes(bytes.subarray(CHECKSUM_OFFSET), checksumOf(bytes))) {
    throw new FloorMarkDamagedError('its checksum differs');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    homeId: bytes.slice(HOME_ID_OFFSET, GENERATION_OFFSET),
    generation: view.getBigUint64(GENERATION_OFFSET),
  };
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes.subarray(0, CHECKSUM_OFFSET), 'buffer');
}

function writeAll(fd: number, bytes: Uint8Array): void {
  const written = writeSync(fd, bytes, 0, bytes.length, 0);
  if (written !== bytes.length)
    throw new FloorMarkDamagedError(`${written} bytes written of ${bytes.length}`);
}

/**
 * Secret bytes in libsodium's guarded memory: locked against swapping, left out of core dumps,
 * fenced by guard pages, zeroed when freed, and without any access outside {@link GuardedBytes.use}.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CodedError, InvariantError } from '../runtime/coded-error.ts';
import { type SecureMemory, sodium } from './sodium.ts';

/** A secret was used after it was disposed. */
export class SecretDisposedError extends CodedError {
  override readonly name = 'SecretDisposedError';
  readonly code = 'ERR_SECRET_DISPOSED';

  constructor() {
    super('the secret was wiped and cannot be used any more');
  }
}

/** A file that should hold a secret is larger than any such file is. */
export class SecretFileTooLargeError extends CodedError {
  override readonly name = 'SecretFileTooLargeError';
  readonly code = 'ERR_SECRET_FILE_TOO_LARGE';
  readonly path: string;
  readonly maxBytes: number;

  constructor(path: string, maxBytes: number) {
    super(`${path} is larger than the ${maxBytes} bytes such a file can have`);
    this.path = path;
    this.maxBytes = maxBytes;
  }
}

/**
 * A fixed number of secret bytes.
 *
 * The memory is readable and writable only while a `use` is running; a stray pointer, a heap dump or
 * `util.inspect` outside it faults instead of reading. The buffer lives in a `#` field, so that
 * nothing that walks objects (loggers, `JSON.stringify`, inspectors) can come across it (S18).
 */
export class GuardedBytes implements Disposable {
  readonly length: number;
  #memory: SecureMemory | undefined;
  /** How many `use` calls are running, one inside the other. */
  #users = 0;

  private constructor(memory: SecureMemory, length: number) {
    this.#memory = memory;
    this.length = length;
  }

  /** `length` zero bytes, at least one. */
  static alloc(length: number): GuardedBytes {
    if (!Number.isSafeInteger(length) || length < 1) {
      throw new InvariantError(`guarded memory of ${length} bytes`);
    }
    const memory = sodium.sodium_malloc(length);
    sodium.sodium_memzero(memory);
    sodium.sodium_mprotect_noaccess(memory);
    return new GuardedBytes(memory, length);
  }

  /** Moves the bytes in: the caller's array is zeroed. */
  static take(bytes: Uint8Array): GuardedBytes {
    try {
      const guarded = GuardedBytes.alloc(bytes.length);
      guarded.use((memory) => memory.set(bytes));
      return guarded;
    } finally {
      sodium.sodium_memzero(bytes);
    }
  }

  /**
   * Reads a whole file straight into guarded memory: its bytes are never anywhere else in this
   * process. `length` is what was read; an empty file gives `undefined`.
   *
   * @throws {SecretFileTooLargeError} ERR_SECRET_FILE_TOO_LARGE when it has more than `maxBytes`.
   * @throws the system's error (`ENOENT`, `EACCES`).
   */
  static readFile(path: string, options: { readonly maxBytes: number }): GuardedBytes | undefined {
    const file = openSync(path, 'r');
    try {
      return GuardedBytes.readDescriptor(file, { path, maxBytes: options.maxBytes });
    } finally {
      closeSync(file);
    }
  }

  /**
   * As {@link readFile}, from an open descriptor (whose permissions the caller has just checked),
   * which stays open. `path` is for the error.
   */
  static readDescriptor(
    file: number,
    options: { readonly path: string; readonly maxBytes: number },
  ): GuardedBytes | undefined {
    const { path, maxBytes } = options;
    if (fstatSync(file).size > maxBytes) throw new SecretFileTooLargeError(path, maxBytes);
    // One byte more than allowed: a pipe has no size, and a file may grow while it is read.
    using scratch = GuardedBytes.alloc(maxBytes + 1);
    return scratch.use((memory) => {
      let filled = 0;
      while (filled < memory.length) {
        const count = readSync(file, memory, filled, memory.length - filled, null);
        if (count === 0) break;
        filled += count;
      }
      if (filled > maxBytes) throw new SecretFileTooLargeError(path, maxBytes);
      if (filled === 0) return undefined;
      const guarded = GuardedBytes.alloc(filled);
      guarded.use((target) => target.set(memory.subarray(0, filled)));
      return guarded;
    });
  }

  /**
   * Gives `fn` the bytes, readable and writable, for the time of the call. Calls may be nested.
   * The view must not be kept: touching it after the call ends the process.
   *
   * @throws {SecretDisposedError} ERR_SECRET_DISPOSED
   * @throws {InvariantError} ERR_INVARIANT when `fn` is asynchronous: it would outlive the access.
   */
  use<T>(fn: (bytes: Uint8Array) => T): T {
    const memory = this.#memory;
    if (memory === undefined) throw new SecretDisposedError();
    if (this.#users === 0) sodium.sodium_mprotect_readwrite(memory);
    this.#users += 1;
    try {
      const result = fn(memory);
      if (result instanceof Promise) throw new InvariantError('guarded memory used across a wait');
      return result;
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#release(memory);
    }
  }

  /** Wipes and frees the memory. Inside a running `use` this happens when the outermost one ends. */
  [Symbol.dispose](): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    this.#memory = undefined;
    if (this.#users > 0) return;
    sodium.sodium_mprotect_readwrite(memory);
    this.#release(memory);
  }

  #release(memory: SecureMemory): void {
    if (this.#memory !== undefined) {
      sodium.sodium_mprotect_noaccess(memory);
      return;
    }
    sodium.sodium_memzero(memory);
    // Frees it, and leaves every view of it with no length: a kept one reads nothing.
    sodium.sodium_free(memory);
  }
}

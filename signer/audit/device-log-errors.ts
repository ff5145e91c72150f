/** What can be wrong with the table that device logs are kept in. None of it stops a signature. */
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';

/** The database is not whole, or its chain of hashes is broken. */
export class DeviceLogDamagedError extends CodedError {
  override readonly name = 'DeviceLogDamagedError';
  readonly code = 'ERR_DEVICE_LOG_DAMAGED';
  readonly path: string;

  constructor(what: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    const { path, reason } = what;
    super(
      `${path} is damaged or was edited: ${reason}. Keep it for examination; signer serve sets it aside and begins a new one`,
      options,
    );
    this.path = path;
  }
}

/** A newer release wrote the database. */
export class DeviceLogNewerError extends CodedError {
  override readonly name = 'DeviceLogNewerError';
  readonly code = 'ERR_DEVICE_LOG_NEWER';

  constructor(path: string) {
    super(`${path} was written by a newer release: run that one, or a newer one`);
  }
}

/** There is no device log. */
export class DeviceLogMissingError extends CodedError {
  override readonly name = 'DeviceLogMissingError';
  readonly code = 'ERR_DEVICE_LOG_MISSING';

  constructor(path: string) {
    super(
      `there is no ${path}: this home has drained no device yet (signer serve does, and signer hsm audit drain)`,
    );
  }
}

/** The database cannot be written. Nothing was freed on the device. */
export class DeviceLogUnwritableError extends CodedError {
  override readonly name = 'DeviceLogUnwritableError';
  readonly code = 'ERR_DEVICE_LOG_UNWRITABLE';

  constructor(path: string, options: { readonly cause: unknown }) {
    super(
      `${path} cannot be written (${errorCode(options.cause)}), so nothing was freed on the device: look for a full disk, a read-only file system, a wrong owner`,
      options,
    );
  }
}

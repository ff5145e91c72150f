/** What can be wrong with the folder that is a home. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** There is a home already, or what is left of one. */
export class HomeExistsError extends CodedError {
  override readonly name = 'HomeExistsError';
  readonly code = 'ERR_HOME_EXISTS';
  readonly home: string;

  constructor(what: { readonly home: string; readonly found: string }, options?: ErrorOptions) {
    super(
      `${what.home} already holds a home or a part of one (${what.found} is there), and nothing of it is overwritten: add a validator with signer validators add, or choose another folder`,
      options,
    );
    this.home = what.home;
  }
}

/** There is no home. */
export class NoHomeError extends CodedError {
  override readonly name = 'NoHomeError';
  readonly code = 'ERR_NO_HOME';
  readonly home: string;

  constructor(home: string) {
    super(`${home} is not the home of a signer: it has no signer.toml; make one with signer init`);
    this.home = home;
  }
}

/** Others could change what is in the home. */
export class HomePermissionsError extends CodedError {
  override readonly name = 'HomePermissionsError';
  readonly code = 'ERR_HOME_PERMISSIONS';

  constructor(path: string, reason: string, command: string) {
    super(`${path} ${reason}: run ${command}`);
  }
}

/** The path of the admin socket would be longer than a socket's may be (S16). */
export class HomePathTooLongError extends CodedError {
  override readonly name = 'HomePathTooLongError';
  readonly code = 'ERR_HOME_PATH_TOO_LONG';

  constructor(socket: string, bytes: number, maxBytes: number) {
    super(
      `${socket} has ${bytes} bytes, and the path of a socket has ${maxBytes} at most: choose a shorter path for the home`,
    );
  }
}

/** A home cannot be made there. */
export class HomeUnwritableError extends CodedError {
  override readonly name = 'HomeUnwritableError';
  readonly code = 'ERR_HOME_UNWRITABLE';

  constructor(what: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    super(`cannot write ${what.path}: ${what.reason}`, options);
  }
}

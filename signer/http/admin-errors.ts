/** Why the admin API does not do what it was asked: each case with its code. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Role } from './access.ts';

/** Nobody knows who is asking. The same text for an unknown name, a wrong token, one that ended. */
export class UnauthenticatedError extends CodedError {
  override readonly name = 'UnauthenticatedError';
  readonly code = 'ERR_ADMIN_UNAUTHENTICATED';

  constructor() {
    super('this needs a client certificate or a bearer token of the credentials file, not expired');
  }
}

/** It is known who asks, and the role is not one that may. */
export class ForbiddenError extends CodedError {
  override readonly name = 'ForbiddenError';
  readonly code = 'ERR_ADMIN_FORBIDDEN';

  constructor(act: string, needed: Role, has: Role) {
    super(`${act} is for the role ${needed}; this credential has the role ${has}`);
  }
}

/** Too many requests. */
export class RateLimitError extends CodedError {
  override readonly name = 'RateLimitError';
  readonly code = 'ERR_ADMIN_RATE';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`too many requests: the next one is answered in ${retryAfterSeconds} s`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request is for another host than this certificate names. */
export class WrongHostError extends CodedError {
  override readonly name = 'WrongHostError';
  readonly code = 'ERR_ADMIN_HOST';

  constructor() {
    super("the Host of the request is none of the names in this listener's certificate");
  }
}

/** No such resource. */
export class NoResourceError extends CodedError {
  override readonly name = 'NoResourceError';
  readonly code = 'ERR_ADMIN_NOT_FOUND';

  constructor() {
    super('this signer has no such resource');
  }
}

/** The resource is there, and has not this method. */
export class WrongMethodError extends CodedError {
  override readonly name = 'WrongMethodError';
  readonly code = 'ERR_ADMIN_METHOD';
  readonly allow: string;

  constructor(allow: string) {
    super(`this resource takes ${allow}`);
    this.allow = allow;
  }
}

/** The request is malformed where no schema looks. */
export class WrongRequestError extends CodedError {
  override readonly name = 'WrongRequestError';
  readonly code = 'ERR_ADMIN_REQUEST';
}

/** TCP is configured without anything that would tell operators from strangers. */
export class TcpUnprotectedError extends CodedError {
  override readonly name = 'TcpUnprotectedError';
  readonly code = 'ERR_ADMIN_TCP_UNPROTECTED';

  constructor(missing: string) {
    super(`no admin API over TCP: ${missing}`);
  }
}

/** The address, the certificate or the socket of the admin API cannot be used. Signing goes on without it. */
export class AdminListenError extends CodedError {
  override readonly name = 'AdminListenError';
  readonly code = 'ERR_ADMIN_LISTEN';

  constructor(where: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`cannot listen on ${where}${reason}`, options);
  }
}

/** Errors as the admin API tells them: problem details (RFC 9457) with our codes. */
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';

/** The body of an answer that is not 200. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** Of docs/errors.md. */
  readonly code: string;
  readonly detail: string;
}

const NOT_FOUND = new Set(['ERR_UNKNOWN_VALIDATOR']);
const CONFLICT = new Set(['ERR_CONFIRMATION_REQUIRED', 'ERR_STATE_FILE_STALE']);
const UNAVAILABLE = new Set(['ERR_SIGN_STATE_UNAVAILABLE']);

/** @returns what is told; of anything that is not one of our errors only that it happened. */
export function problemOf(error: unknown): Problem {
  const code = errorCode(error);
  if (error instanceof CodedError) {
    const status = NOT_FOUND.has(code)
      ? 404
      : CONFLICT.has(code)
        ? 409
        : UNAVAILABLE.has(code)
          ? 503
          : 400;
    return problem(status, code, error.message);
  }
  const status = statusOf(error);
  if (status < 500) return problem(status, 'ERR_ADMIN_REQUEST', messageOf(error));
  return problem(500, 'ERR_ADMIN_INTERNAL', 'the request failed; the log says why');
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Refused',
  404: 'Not found',
  409: 'Not as it is',
  500: 'Failed',
  503: 'Not now',
};

function problem(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: TITLES[status] ?? 'Refused', status, code, detail };
}

/** Fastify's own errors carry the status of a wrong request. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the request is wrong';
}

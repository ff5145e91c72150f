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

/** Media type of a {@link Problem}. */
export const PROBLEM_TYPE = 'application/problem+json';

/** Codes whose status is not 400, by status. */
const CODES_BY_STATUS: Readonly<Record<number, readonly string[]>> = {
  401: ['ERR_ADMIN_UNAUTHENTICATED'],
  403: ['ERR_ADMIN_FORBIDDEN', 'ERR_APPROVAL_SELF'],
  404: ['ERR_ADMIN_NOT_FOUND', 'ERR_APPROVAL_UNKNOWN', 'ERR_UNKNOWN_VALIDATOR'],
  405: ['ERR_ADMIN_METHOD'],
  409: [
    'ERR_APPROVAL_EXPIRED',
    'ERR_APPROVAL_MISMATCH',
    'ERR_APPROVAL_PENDING',
    'ERR_APPROVAL_USED',
    'ERR_CONFIRMATION_REQUIRED',
    'ERR_EVIDENCE_WINDOW',
    'ERR_FLOOR_TOO_LOW',
    'ERR_ROTATION_IN_BLOCK',
    'ERR_ROTATION_OPEN',
    'ERR_STATE_FILE_STALE',
  ],
  421: ['ERR_ADMIN_HOST'],
  429: ['ERR_ADMIN_RATE', 'ERR_APPROVAL_LIMIT'],
  503: ['ERR_DEADLINE', 'ERR_SIGN_STATE_UNAVAILABLE'],
};

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(CODES_BY_STATUS).flatMap(([status, codes]) =>
    codes.map((code): [string, number] => [code, Number(status)]),
  ),
);

/** @returns what is told; of anything that is not one of our errors only that it happened. */
export function problemOf(error: unknown): Problem {
  const code = errorCode(error);
  if (error instanceof CodedError) {
    return problem(STATUSES.get(code) ?? 400, code, error.message);
  }
  const status = statusOf(error);
  if (status < 500) return problem(status, 'ERR_ADMIN_REQUEST', messageOf(error));
  return problem(500, 'ERR_ADMIN_INTERNAL', 'the request failed; the log says why');
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Refused',
  401: 'Who is asking?',
  403: 'Not for this role',
  404: 'Not found',
  405: 'Not this method',
  408: 'Too slow',
  409: 'Not as it is',
  413: 'Too large',
  415: 'Not this kind of body',
  421: 'Another host',
  429: 'Too many',
  431: 'Too large',
  500: 'Failed',
  503: 'Not now',
};

/** A problem that no error of ours stands for. */
export function problem(status: number, code: string, detail: string): Problem {
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

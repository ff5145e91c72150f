/** One request to the admin API, past all checks, and what its handler gives back. */
import type { Logger } from '@privval/proto/runtime/logger';
import type { Operations } from '../operations.ts';
import type { Act, Caller } from './access.ts';
import type { AdminRoute } from './admin-routes.ts';
import type { Approvals } from './approvals.ts';

/** What a handler is given. Path, query and body have passed their schemas. */
export interface AdminCall {
  readonly route: AdminRoute;
  readonly caller: Caller;
  /** For the desks: what is done, by whom, approved by whom. */
  readonly act: Act;
  /** Name of a validator that is there; '' where the path has none. */
  readonly validator: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Ends when the caller has gone. */
  readonly signal: AbortSignal;
}

/** What handlers work with. */
export interface AdminParts {
  readonly operations: Operations;
  readonly approvals: Approvals | undefined;
  readonly logger: Logger;
  /** The status as JSON text, made at most every 50 ms. */
  readonly statusText: () => string;
  /** How long `rotation.verify` waits before it tells what is. */
  readonly verifyWaitMs: number;
  readonly deadline: (ms: number) => Disposable & { readonly signal: AbortSignal };
}

/** An answer that is no JSON value: it is sent as it is. */
export class FileAnswer {
  readonly type: string;
  readonly content: Uint8Array | string;

  constructor(type: string, content: Uint8Array | string) {
    this.type = type;
    this.content = content;
  }
}

/** What a handler does. */
export type AdminHandler = (parts: AdminParts, call: AdminCall) => unknown;

/**
 * What a signer without desks can be asked: its floors and its status. Everything else is refused
 * with one code. It goes when the composition root builds the whole {@link Operations}.
 */
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { AuditLog } from '../audit/audit-log.ts';
import type { SignStateStore } from '../guard/sign-state-store.ts';
import { importState } from '../home/home-state.ts';
import type { Operations } from '../operations.ts';
import type { SignerStatus } from '../signer-status.ts';

/** That part of the signer is not running. */
export class NotServedError extends CodedError {
  override readonly name = 'NotServedError';
  readonly code = 'ERR_NOT_SERVED';

  constructor() {
    super('this signer was started without that part');
  }
}

/** What there is. */
export interface FloorOperationsDeps {
  readonly store: SignStateStore;
  readonly status: () => SignerStatus;
  readonly logger: Logger;
}

/** Floors and status; the rest throws {@link NotServedError} ERR_NOT_SERVED. */
export function operationsOfFloors(deps: FloorOperationsDeps): Operations {
  const { store, status, logger } = deps;
  return {
    home: '',
    store,
    status,
    raiseFloor: (wanted) => {
      const result = importState(store, wanted);
      if (result.isRaised) logger.warn(result, 'the floor was raised by an operator');
      return result;
    },
    chain: () => undefined,
    why: () => Promise.reject(new NotServedError()),
    doctor: async () => [],
    controls: missing(),
    nodes: missing(),
    rotations: missing(),
    audit: missing<AuditLog>({ addUp: () => undefined }),
    feed: missing(),
  };
}

/** A part of which every method that is not given says that it is not there. */
function missing<Part extends object>(given: Partial<Part> = {}): Part {
  const refuse = (): never => {
    throw new NotServedError();
  };
  return new Proxy(given, {
    get: (target, name) => Reflect.get(target, name) ?? refuse,
  }) as Part;
}

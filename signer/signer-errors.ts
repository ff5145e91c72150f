/** Why a signer does not start, or one of its validators is out of service. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { ValidatorFault } from './signer-status.ts';

/** The configuration contradicts what the database binds (S35): nothing was served. */
export class ConfigBindingError extends CodedError {
  override readonly name = 'ConfigBindingError';
  readonly code = 'ERR_CONFIG_BINDING';
  readonly validator: string;

  constructor(validator: string, reason: string) {
    super(`validator ${JSON.stringify(validator)}: ${reason}`);
    this.validator = validator;
  }
}

/** No validator can be served: for reasons that waiting does not heal, or it was waited for in vain (S26). */
export class NoValidatorInServiceError extends CodedError {
  override readonly name = 'NoValidatorInServiceError';
  readonly code = 'ERR_NO_VALIDATOR_IN_SERVICE';

  /** @param options.waitedMs how long a validator had to come into service; absent: there was no point in waiting */
  constructor(
    faults: ReadonlyMap<string, ValidatorFault>,
    options: ErrorOptions & { readonly waitedMs?: number } = {},
  ) {
    const { waitedMs, ...rest } = options;
    const list = [...faults].map(([name, { code, text }]) => `${name}: ${text} [${code}]`);
    const since = waitedMs === undefined ? '' : ` within ${waitedMs / 1_000} s`;
    const why = list.join('; ') || 'the configuration has none';
    super(`no validator can be served${since}: ${why}`, rest);
  }
}

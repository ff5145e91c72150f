/** Why a signer does not start, or one of its validators is out of service. */
import { hexFromBytes } from '@privval/proto/runtime/bytes';
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

/** A key is not the one its validator's floor belongs to. Only that validator is out of service (S26). */
export class AnotherKeyError extends CodedError {
  override readonly name = 'AnotherKeyError';
  readonly code = 'ERR_ANOTHER_KEY';

  constructor(source: string, expected: Uint8Array, actual: Uint8Array) {
    super(
      `${source} holds public key ${hexFromBytes(actual)}, but the floor belongs to ${hexFromBytes(expected)}: a key is not replaced by replacing its file`,
    );
  }
}

/** No validator can be served, for reasons that waiting does not heal (S26). */
export class NoValidatorInServiceError extends CodedError {
  override readonly name = 'NoValidatorInServiceError';
  readonly code = 'ERR_NO_VALIDATOR_IN_SERVICE';

  constructor(faults: ReadonlyMap<string, ValidatorFault>) {
    const list = [...faults].map(([name, { code, text }]) => `${name}: ${text} [${code}]`);
    super(`no validator can be served: ${list.join('; ') || 'the configuration has none'}`);
  }
}

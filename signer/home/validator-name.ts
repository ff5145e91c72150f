/** Names of validators: they are typed, logged, and become names of files. */
import { CodedError } from '@privval/proto/runtime/coded-error';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A text cannot be the name of a validator. */
export class InvalidValidatorNameError extends CodedError {
  override readonly name = 'InvalidValidatorNameError';
  readonly code = 'ERR_INVALID_VALIDATOR_NAME';

  constructor(text: string) {
    super(
      `${JSON.stringify(text)} cannot be the name of a validator: 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first`,
    );
  }
}

/** @throws {InvalidValidatorNameError} ERR_INVALID_VALIDATOR_NAME */
export function parseValidatorName(text: string): string {
  if (!NAME.test(text)) throw new InvalidValidatorNameError(text);
  return text;
}

/** The name of a home's first validator when none is given: its chain's, where that can be a name. */
export function defaultValidatorName(chainId: string): string {
  return NAME.test(chainId) ? chainId : 'validator';
}

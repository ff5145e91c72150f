/** The name of a chain, as its genesis file says it. */
import { CodedError } from '../runtime/coded-error.ts';

declare const chainIdBrand: unique symbol;

/** A chain id that was checked by {@link parseChainId}. */
export type ChainId = string & { readonly [chainIdBrand]: true };

/** Longest chain id a genesis file may have, in UTF-8 bytes (CometBFT `MaxChainIDLen`). */
export const MAX_CHAIN_ID_BYTES = 50;

/** A text cannot be a chain id. */
export class InvalidChainIdError extends CodedError {
  override readonly name = 'InvalidChainIdError';
  readonly code = 'ERR_INVALID_CHAIN_ID';

  constructor(reason: string) {
    super(`invalid chain id: ${reason}`);
  }
}

/** @throws {InvalidChainIdError} ERR_INVALID_CHAIN_ID when empty, over 50 UTF-8 bytes, or with control characters. */
export function parseChainId(text: string): ChainId {
  if (text === '') throw new InvalidChainIdError('it is empty');
  if (new TextEncoder().encode(text).length > MAX_CHAIN_ID_BYTES) {
    throw new InvalidChainIdError(`it is longer than ${MAX_CHAIN_ID_BYTES} bytes`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new InvalidChainIdError('it has control characters');
  return text as ChainId;
}

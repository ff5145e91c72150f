/** Domains of a YubiHSM as people write them. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import { formatDomains, parseDomains } from 'yubihsm/objects/domains';

/** A text names no domains. */
export class InvalidDomainsError extends CodedError {
  override readonly name = 'InvalidDomainsError';
  readonly code = 'ERR_INVALID_DOMAINS';

  constructor(text: string, options: { readonly cause: unknown }) {
    super(
      `${JSON.stringify(text)} names no domains: they are 1 to 16, such as 1,16, or all`,
      options,
    );
  }
}

/** @throws {InvalidDomainsError} ERR_INVALID_DOMAINS */
export function domainsFromText(text: string): readonly number[] {
  try {
    return parseDomains(text);
  } catch (cause) {
    throw new InvalidDomainsError(text, { cause });
  }
}

/** The form {@link domainsFromText} reads. */
export function domainsText(domains: readonly number[]): string {
  return formatDomains(domains);
}

/** Domains: sixteen compartments of a device. A session sees an object only when they share one. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** All of them, 1 to 16. */
export const ALL_DOMAINS: readonly number[] = Array.from({ length: 16 }, (_, i) => i + 1);

/** The 16 bits of these domains. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless each is 1 to 16. */
export function domainBits(domains: readonly number[]): number {
  return domains.reduce((bits, domain) => bits | (1 << (checked(domain, String(domain)) - 1)), 0);
}

/** The domains in 16 bits, ascending. */
export function domainsFromBits(bits: number): readonly number[] {
  return ALL_DOMAINS.filter((domain) => (bits & (1 << (domain - 1))) !== 0);
}

/**
 * Reads the usual forms: numbers separated by `:`, `,`, `;` or `|`; `all`; sixteen bits as `0x8001`.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function parseDomains(text: string): readonly number[] {
  if (text === 'all') return ALL_DOMAINS;
  if (/^0x[\da-f]{1,4}$/i.test(text)) return domainsFromBits(Number(text));
  const domains = text
    .split(/[:,;|]/)
    .map((part) => checked(/^\d{1,2}$/.test(part) ? Number(part) : Number.NaN, part));
  return domainsFromBits(domainBits(domains));
}

/** The form {@link parseDomains} reads: `all`, `1,16`; no domain at all is `0x0000`. */
export function formatDomains(domains: readonly number[]): string {
  const bits = domainBits(domains);
  if (bits === 0xffff) return 'all';
  return bits === 0 ? '0x0000' : domainsFromBits(bits).join(',');
}

function checked(domain: number, text: string): number {
  if (Number.isInteger(domain) && domain >= 1 && domain <= 16) return domain;
  throw new InvalidRequestError('domains', `'${text}' is no domain: they are 1 to 16, or 'all'`);
}

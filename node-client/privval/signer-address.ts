/** Where a node meets its signer: the `priv_validator_laddr` of its configuration. */
import { isIP } from 'node:net';
import { parseLibp2pPeerId } from '@privval/proto/noise/peer-id';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** A parsed address. `tcp`, `unix` and `noise` are listened on; `grpc` is dialed (spec/privval.md 2.9, 3.1). */
export type SignerAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'noise';
      /** The libp2p id of the one signer that is let in. */
      readonly signerId: string;
      readonly host: string;
      readonly port: number;
    }
  | { readonly kind: 'grpc'; readonly tls: boolean; readonly host: string; readonly port: number };

/** A text is not the address of a signer. */
export class InvalidSignerAddressError extends CodedError {
  override readonly name = 'InvalidSignerAddressError';
  readonly code = 'ERR_INVALID_SIGNER_ADDRESS';
  readonly address: string;

  constructor(address: string, options: ErrorOptions & { readonly reason: string }) {
    super(`signer address "${address}": ${options.reason}`, options);
    this.address = address;
  }
}

/**
 * Reads `tcp://host:port`, `host:port`, `unix://path`, `noise://signerid@ip:port` or
 * `grpc(s)://host:port`. Port 0 lets the kernel choose where the node listens.
 *
 * @throws {InvalidSignerAddressError} ERR_INVALID_SIGNER_ADDRESS saying which part is wrong.
 */
export function parseSignerAddress(text: string): SignerAddress {
  const separator = text.indexOf('://');
  const scheme = separator === -1 ? 'tcp' : text.slice(0, separator);
  const rest = separator === -1 ? text : text.slice(separator + 3);
  switch (scheme) {
    case 'tcp':
      return { kind: 'tcp', ...parseHostPort(text, rest) };
    case 'unix':
      if (rest === '') throw new InvalidSignerAddressError(text, { reason: 'the path is missing' });
      return { kind: 'unix', path: rest };
    case 'noise':
      return parseNoise(text, rest);
    case 'grpc':
    case 'grpcs': {
      const endpoint = parseHostPort(text, rest);
      if (endpoint.port === 0)
        throw new InvalidSignerAddressError(text, { reason: 'port 0 cannot be dialed' });
      return { kind: 'grpc', tls: scheme === 'grpcs', ...endpoint };
    }
    default:
      throw new InvalidSignerAddressError(text, {
        reason: `unknown scheme "${scheme}"; known are tcp, unix, noise, grpc and grpcs`,
      });
  }
}

/** The text {@link parseSignerAddress} reads back. */
export function formatSignerAddress(address: SignerAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix://${address.path}`;
    case 'noise':
      return `noise://${address.signerId}@${formatHostPort(address)}`;
    case 'grpc':
      return `${address.tls ? 'grpcs' : 'grpc'}://${formatHostPort(address)}`;
    case 'tcp':
      return `tcp://${formatHostPort(address)}`;
  }
}

/** `host:port`, with an IPv6 host in brackets. */
export function formatHostPort(endpoint: { readonly host: string; readonly port: number }): string {
  const host = isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}

/** Id and endpoint part at the last `@`; no names, since a name could be made to point elsewhere (spec/cometbft-0.40.md 1.1). */
function parseNoise(text: string, rest: string): SignerAddress {
  const at = rest.lastIndexOf('@');
  if (at <= 0) {
    throw new InvalidSignerAddressError(text, {
      reason: 'the id of the signer is missing before "@"',
    });
  }
  const signerId = rest.slice(0, at);
  try {
    parseLibp2pPeerId(signerId);
  } catch (cause) {
    throw new InvalidSignerAddressError(text, {
      reason: `"${signerId}" is not a libp2p peer id`,
      cause,
    });
  }
  const endpoint = parseHostPort(text, rest.slice(at + 1));
  if (isIP(endpoint.host) === 0) {
    throw new InvalidSignerAddressError(text, {
      reason: `"${endpoint.host}" is not an IP address`,
    });
  }
  return { kind: 'noise', signerId, ...endpoint };
}

function parseHostPort(text: string, rest: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]/@]*)):(\d{1,5})$/.exec(rest);
  if (match === null) {
    throw new InvalidSignerAddressError(text, {
      reason: 'expected host:port (an IPv6 address goes in brackets)',
    });
  }
  const [, bracketed, plain, portText] = match;
  const host = bracketed ?? plain ?? '';
  if (host === '') {
    throw new InvalidSignerAddressError(text, {
      reason: 'the host is missing; 0.0.0.0 means every interface',
    });
  }
  if (bracketed !== undefined && isIP(bracketed) !== 6) {
    throw new InvalidSignerAddressError(text, { reason: `"${bracketed}" is not an IPv6 address` });
  }
  const port = Number(portText);
  if (port > 65_535)
    throw new InvalidSignerAddressError(text, { reason: `port ${port} is above 65535` });
  return { host, port };
}

/**
 * Where the signer dials: the text of `--node` and `signer.toml`, checked in every part.
 *
 * `tcp://[id@]host:port` (SecretConnection), `unix://path` (no encryption), `noise://peerid@ip:port`
 * (CometBFT v0.40, both ends pinned). A text without a scheme is tcp, as on the node
 * (spec/privval.md 3.1).
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type NodeId, parseNodeId } from '@privval/proto/crypto/node-id';
import { parseLibp2pPeerId } from '@privval/proto/noise/peer-id';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Longest path of a Unix socket in bytes: `sun_path` less its closing zero. */
const MAX_SOCKET_PATH_BYTES = 107;

const MAX_PORT = 65_535;

/** Longest host name DNS knows. */
const MAX_HOST_NAME_LENGTH = 253;

/** A node that listens on `tcp://`: SecretConnection over TCP. */
export interface TcpNodeAddress {
  readonly scheme: 'tcp';
  /** Host name or IP literal, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The node's id, where it is pinned. Stock nodes have a new one at each start. */
  readonly nodeId: NodeId | undefined;
}

/** A node that listens on `unix://`. */
export interface UnixNodeAddress {
  readonly scheme: 'unix';
  /** As written; a relative path is taken from the process's working directory. */
  readonly path: string;
}

/** A node that listens on `noise://`. */
export interface NoiseNodeAddress {
  readonly scheme: 'noise';
  /** IP literal, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The node's libp2p peer id (`cometbft show-node-id --libp2p`), as written. */
  readonly peerId: string;
}

/** Where the signer dials. */
export type NodeAddress = TcpNodeAddress | UnixNodeAddress | NoiseNodeAddress;

/** The part of an address that is wrong. */
export type NodeAddressPart = 'scheme' | 'node id' | 'peer id' | 'host' | 'port' | 'path';

/** A text is not the address of a node; `part` says which part of it. */
export class InvalidNodeAddressError extends CodedError {
  override readonly name = 'InvalidNodeAddressError';
  readonly code = 'ERR_INVALID_NODE_ADDRESS';
  readonly address: string;
  readonly part: NodeAddressPart;

  constructor(
    reason: string,
    options: ErrorOptions & { readonly address: string; readonly part: NodeAddressPart },
  ) {
    const { address, part } = options;
    super(`node address ${JSON.stringify(address)}: ${part}: ${reason}`, options);
    this.address = address;
    this.part = part;
  }
}

/** @throws {InvalidNodeAddressError} ERR_INVALID_NODE_ADDRESS, with the part that is wrong. */
export function parseNodeAddress(text: string): NodeAddress {
  const separator = text.indexOf('://');
  const scheme = separator < 0 ? 'tcp' : text.slice(0, separator);
  const rest = separator < 0 ? text : text.slice(separator + 3);
  switch (scheme) {
    case 'tcp':
      return parseTcp(text, rest);
    case 'unix':
      return parseUnix(text, rest);
    case 'noise':
      return parseNoise(text, rest);
    case 'grpc':
    case 'grpcs':
      throw new InvalidNodeAddressError(
        'a gRPC node dials the signer: use --grpc-listen host:port',
        { address: text, part: 'scheme' },
      );
    default:
      throw new InvalidNodeAddressError(`${JSON.stringify(scheme)} is none of tcp, unix, noise`, {
        address: text,
        part: 'scheme',
      });
  }
}

/** The address as it is written in `signer.toml`; {@link parseNodeAddress} reads it back. */
export function printNodeAddress(address: NodeAddress): string {
  switch (address.scheme) {
    case 'tcp': {
      const id = address.nodeId === undefined ? '' : `${address.nodeId}@`;
      return `tcp://${id}${printEndpoint(address)}`;
    }
    case 'unix':
      return `unix://${address.path}`;
    case 'noise':
      return `noise://${address.peerId}@${printEndpoint(address)}`;
  }
}

/**
 * What an operator should know about an address before relying on it; empty when there is nothing.
 * Said once when dialling begins.
 */
export function addressWarnings(address: NodeAddress): readonly string[] {
  if (address.scheme !== 'tcp') return [];
  if (address.nodeId !== undefined) {
    return [
      'the node id is pinned, but a stock node has a new random key on tcp:// at each start: after its next restart this signer will refuse it',
    ];
  }
  if (isLoopbackHost(address.host)) return [];
  return [
    'tcp:// to another machine without a pinned id authenticates nobody: whoever answers at this address can ask for signatures; keep it inside a private network or use noise://',
  ];
}

/** Whether connections to `host` stay on this machine: `localhost`, 127.0.0.0/8, ::1. Decides by the text alone. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv4(name)) return name.startsWith('127.');
  if (!isIPv6(name)) return false;
  return new URL(`http://[${name.split('%')[0]}]`).hostname === '[::1]';
}

/** A place to listen or dial: host and port, nothing else. */
export interface Endpoint {
  /** Host name or IP literal, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * `host:port`, with IPv6 in brackets; the form of `--grpc-listen`. Port 0 only with `allowPortZero`.
 *
 * @throws {InvalidNodeAddressError} ERR_INVALID_NODE_ADDRESS, with the part that is wrong.
 */
export function parseEndpoint(
  text: string,
  options: { readonly allowPortZero?: boolean } = {},
): Endpoint {
  return splitEndpoint(text, text, options.allowPortZero === true ? 0 : 1);
}

/** `host:port`, with IPv6 in brackets. */
export function printEndpoint(endpoint: Endpoint): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}

function parseTcp(text: string, rest: string): TcpNodeAddress {
  const at = rest.lastIndexOf('@');
  const nodeId = at < 0 ? undefined : parsePinnedNodeId(text, rest.slice(0, at));
  const { host, port } = splitEndpoint(text, rest.slice(at + 1), 1);
  return { scheme: 'tcp', host, port, nodeId };
}

function parsePinnedNodeId(text: string, id: string): NodeId {
  try {
    return parseNodeId(id.toLowerCase());
  } catch (cause) {
    throw new InvalidNodeAddressError('it has 40 hex digits', {
      address: text,
      part: 'node id',
      cause,
    });
  }
}

function parseUnix(text: string, path: string): UnixNodeAddress {
  if (path === '')
    throw new InvalidNodeAddressError('it is missing', { address: text, part: 'path' });
  if (path.includes('\0'))
    throw new InvalidNodeAddressError('it has a zero byte', { address: text, part: 'path' });
  if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH_BYTES) {
    throw new InvalidNodeAddressError(
      `it is longer than the ${MAX_SOCKET_PATH_BYTES} bytes a socket path may have`,
      { address: text, part: 'path' },
    );
  }
  return { scheme: 'unix', path };
}

function parseNoise(text: string, rest: string): NoiseNodeAddress {
  const at = rest.lastIndexOf('@');
  if (at <= 0) {
    throw new InvalidNodeAddressError(
      "it is missing: noise:// pins the node's libp2p peer id (noise://12D3KooW…@ip:port)",
      { address: text, part: 'peer id' },
    );
  }
  const peerId = rest.slice(0, at);
  try {
    parseLibp2pPeerId(peerId);
  } catch (cause) {
    throw new InvalidNodeAddressError('it is not a libp2p peer id', {
      address: text,
      part: 'peer id',
      cause,
    });
  }
  const { host, port } = splitEndpoint(text, rest.slice(at + 1), 1);
  if ((!isIPv4(host) && !isIPv6(host)) || host.includes('%')) {
    throw new InvalidNodeAddressError('noise:// takes an IP address without a zone, no host name', {
      address: text,
      part: 'host',
    });
  }
  return { scheme: 'noise', host, port, peerId };
}

function splitEndpoint(text: string, endpoint: string, minPort: number): Endpoint {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(endpoint);
  if (bracketed !== null) {
    const host = bracketed[1] ?? '';
    if (!isIPv6(host)) {
      throw new InvalidNodeAddressError('what is in brackets is not an IPv6 address', {
        address: text,
        part: 'host',
      });
    }
    return { host, port: parsePort(text, bracketed[2], minPort) };
  }
  const colon = endpoint.indexOf(':');
  const host = colon < 0 ? endpoint : endpoint.slice(0, colon);
  const port = colon < 0 ? undefined : endpoint.slice(colon + 1);
  if (port?.includes(':')) {
    throw new InvalidNodeAddressError('an IPv6 address is written in brackets', {
      address: text,
      part: 'host',
    });
  }
  if (host === '')
    throw new InvalidNodeAddressError('it is missing', { address: text, part: 'host' });
  if (!isIPv4(host) && !isHostName(host)) {
    throw new InvalidNodeAddressError('it is neither an IP address nor a host name', {
      address: text,
      part: 'host',
    });
  }
  return { host, port: parsePort(text, port, minPort) };
}

function parsePort(text: string, port: string | undefined, min: number): number {
  if (port === undefined || port === '') {
    throw new InvalidNodeAddressError('it is missing', { address: text, part: 'port' });
  }
  const value = /^[0-9]{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (!(value >= min && value <= MAX_PORT)) {
    throw new InvalidNodeAddressError(`it is not a number from ${min} to ${MAX_PORT}`, {
      address: text,
      part: 'port',
    });
  }
  return value;
}

/** Underscores are no DNS, but container networks use them. All-numeric names are mistyped IPv4. */
function isHostName(host: string): boolean {
  if (host.length > MAX_HOST_NAME_LENGTH || /^[0-9.]+$/.test(host)) return false;
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.');
  return labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

/** Where an RPC is: the text of `--rpc`, `rpc` and `witnesses`, checked. */
import { InvalidRpcUrlError } from './node-rpc-errors.ts';

/** Where an RPC is. */
export interface RpcUrl {
  /** As it is shown: without user and password, without a slash at its end. */
  readonly shown: string;
  /** As it is written in `signer.toml`. */
  readonly text: string;
  readonly isSecure: boolean;
  /** Host name or IP literal, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** Begins with a slash; that of an RPC behind a proxy may be longer. */
  readonly path: string;
  /** `user:password`, decoded. */
  readonly auth: string | undefined;
}

/** Longest URL taken. */
const MAX_LENGTH = 2_048;

/**
 * `http(s)://[user:password@]host[:port][/path]`; `tcp://` is http, as CometBFT's own configuration
 * has it.
 *
 * @throws {InvalidRpcUrlError} ERR_INVALID_RPC_URL
 */
export function parseRpcUrl(text: string): RpcUrl {
  if (text.length > MAX_LENGTH) throw new InvalidRpcUrlError('it is too long');
  const url = URL.parse(text.replace(/^tcp:\/\//, 'http://'));
  if (url === null) throw new InvalidRpcUrlError('it cannot be read as one');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidRpcUrlError(`${url.protocol}// is neither http nor https`);
  }
  if (url.hostname === '') throw new InvalidRpcUrlError('it has no host');
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidRpcUrlError('it has a query or fragment, which no RPC has');
  }
  const isSecure = url.protocol === 'https:';
  const path = url.pathname.replace(/\/+$/, '');
  const user = decodeURIComponent(url.username);
  return {
    shown: `${url.protocol}//${url.host}${path}`,
    text,
    isSecure,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    path: path === '' ? '/' : path,
    auth:
      user === '' && url.password === ''
        ? undefined
        : `${user}:${decodeURIComponent(url.password)}`,
  };
}

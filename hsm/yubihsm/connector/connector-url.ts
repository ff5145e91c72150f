/** Where a connector is. */
import { InvalidConnectorUrlError } from './connector-errors.ts';

/** The parts of a connector's address. */
export interface ConnectorUrl {
  /** As errors and logs show it: `http://127.0.0.1:12345`. */
  readonly name: string;
  readonly isSecure: boolean;
  /** A name or an IP address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = { 'http:': 80, 'https:': 443 } as const;

/**
 * Reads `http://host:port` or `https://host:port`.
 *
 * @throws {InvalidConnectorUrlError} ERR_YUBIHSM_INVALID_CONNECTOR_URL when it is anything else, or has a
 *   path, a query or credentials: a connector has none.
 */
export function parseConnectorUrl(text: string): ConnectorUrl {
  const url = URL.parse(text);
  if (url === null) throw new InvalidConnectorUrlError(text, 'not a URL');
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new InvalidConnectorUrlError(text, `${protocol} is not http: or https:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidConnectorUrlError(url.host, 'a connector has no users');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new InvalidConnectorUrlError(text, 'a path, query or fragment does not belong there');
  }
  return {
    name: `${protocol}//${url.host}`,
    isSecure: protocol === 'https:',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT[protocol] : Number(url.port),
  };
}

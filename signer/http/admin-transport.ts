/** The way to a running signer: its socket in the home, or TCP with TLS 1.3. */
import { type ClientRequest, type IncomingMessage, request as overSocket } from 'node:http';
import { request as overTls } from 'node:https';

/** Where the signer is asked, and as whom. */
export type AdminTarget =
  | { readonly socketPath: string }
  | {
      /** `https://host:port`. */
      readonly url: string;
      /** Authority of the signer's certificate, PEM. @default those of the system */
      readonly ca?: string | undefined;
      /** Client certificate and its key, PEM. */
      readonly cert?: string | undefined;
      readonly key?: string | undefined;
      /** Bearer token. */
      readonly token?: string | undefined;
    };

/** One request, before its target is known. */
export interface AdminExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
}

/** Where it is, for a person. */
export function describeTarget(target: AdminTarget): string {
  return 'socketPath' in target ? target.socketPath : target.url;
}

/** Begins a request: one connection for each. */
export function sendRequest(
  target: AdminTarget,
  exchange: AdminExchange,
  onAnswer: (answer: IncomingMessage) => void,
): ClientRequest {
  if ('socketPath' in target) {
    const { socketPath } = target;
    return overSocket({ ...exchange, socketPath, agent: false }, onAnswer);
  }
  const { url, ca, cert, key, token } = target;
  const { hostname, port } = new URL(url);
  return overTls(
    {
      ...exchange,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...exchange.headers,
      },
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      agent: false,
      minVersion: 'TLSv1.3',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
    onAnswer,
  );
}

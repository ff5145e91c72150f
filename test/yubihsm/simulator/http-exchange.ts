/** One HTTP request, in full control of its headers. */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly text: string;
}

/** What is sent. A body without a `Content-Length` in the headers goes out chunked. */
export interface HttpQuestion {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** @default a connection of its own */
  readonly agent?: Agent;
}

/** @throws what the socket throws: ECONNRESET when the connection ends without a whole answer. */
export function exchange(url: string, question: HttpQuestion = {}): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body, agent } = question;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const outgoing = request(url, { method, headers, agent: agent ?? false }, (response) => {
    const chunks: Uint8Array[] = [];
    response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const bytes = Uint8Array.from(Buffer.concat(chunks));
      const text = new TextDecoder().decode(bytes);
      const status = response.statusCode ?? 0;
      resolve({ status, headers: response.headers, body: bytes, text });
    });
  });
  outgoing.on('error', reject);
  if (body !== undefined && headers['Content-Length'] === undefined) outgoing.flushHeaders();
  outgoing.end(body);
  return promise;
}

/** A frame to the connector of `url`, and the answer. */
export function post(url: string, frame: Uint8Array, agent?: Agent): Promise<HttpAnswer> {
  return exchange(`${url}/connector/api`, {
    method: 'POST',
    headers: { 'Content-Length': String(frame.length) },
    body: frame,
    ...(agent && { agent }),
  });
}

/** Turns one of the simulator's switches, and resolves with the HTTP status. */
export async function turn(url: string, name: string): Promise<number> {
  const { status } = await exchange(`${url}/simulator/${name}`, { method: 'POST' });
  return status;
}

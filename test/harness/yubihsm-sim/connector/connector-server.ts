/** The HTTP interface of yubihsm-connector 3.0.7, and beside it the simulator's own switches. */
import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { concat } from '../device/bytes.ts';
import type { Switches } from '../switches.ts';
import { type DevicePort, NoDeviceError } from './device-port.ts';
import type { WrongAnswer, WrongAnswers } from './wrong-answers.ts';

/** The shortest and the longest body that is passed on to the device. */
const BODY_BYTES = { min: 3, max: 3136 + 3 } as const;

/** The version it claims. */
const VERSION = '3.0.7';

/** After this long a connection without a request is closed, without a word. */
const KEEP_ALIVE_MS = 5000;

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const NO_BODY = new Uint8Array();

/** What the server serves. */
export interface ConnectorServerDeps {
  readonly port: DevicePort;
  readonly switches: Switches;
  readonly wrongAnswers: WrongAnswers;
  /** Bugs of the model come here; the client sees a 500. */
  readonly onBug: (error: unknown) => void;
}

/** A server that does not listen yet. */
export function createConnectorServer(deps: ConnectorServerDeps): Server {
  const lastReply: { bytes: Uint8Array | undefined } = { bytes: undefined };
  const server = createServer((request, response) => {
    // Caught inside: whatever goes wrong becomes a 500.
    void handle({ ...deps, lastReply }, request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.keepAliveTimeoutBuffer = 0;
  return server;
}

interface Handling extends ConnectorServerDeps {
  readonly lastReply: { bytes: Uint8Array | undefined };
}

async function handle(
  handling: Handling,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const ownId = request.headers['x-request-id'];
  response.setHeader('X-Request-ID', typeof ownId === 'string' && ownId ? ownId : randomUUID());
  // Said in so many words, it keeps Node from telling how long: Go's server does not.
  if (response.shouldKeepAlive) response.setHeader('Connection', 'keep-alive');
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  try {
    if (pathname === '/connector/status') {
      if (isMethod(request, response, 'GET')) status(handling, request, response);
    } else if (pathname === '/connector/api') {
      if (isMethod(request, response, 'POST')) await api(handling, request, response);
    } else if (pathname.startsWith('/simulator/')) {
      if (isMethod(request, response, 'POST')) {
        const isDone = turnSwitch(handling.switches, pathname.slice(11), searchParams);
        if (isDone) answerText(response, 200, 'OK\n');
        else refuse(response, isDone === undefined ? 404 : 400);
      }
    } else {
      refuse(response, 404);
    }
  } catch (error) {
    if (!(error instanceof NoDeviceError)) handling.onBug(error);
    if (!response.headersSent) refuse(response, 500);
  }
}

/** True when it was done, false when a parameter is wrong, undefined for a name that is none. */
function turnSwitch(
  switches: Switches,
  name: string,
  parameters: URLSearchParams,
): boolean | undefined {
  switch (name) {
    case 'unplug':
      switches.unplug();
      return true;
    case 'plug':
      switches.plug();
      return true;
    case 'stall': {
      const ms = parameters.get('ms') ?? '';
      if (!/^\d{1,9}$/.test(ms)) return false;
      switches.stall(Number(ms));
      return true;
    }
    case 'reset-sessions':
      switches.resetSessions();
      return true;
    default:
      return undefined;
  }
}

function status({ port }: Handling, request: IncomingMessage, response: ServerResponse): void {
  const { localPort = 0 } = request.socket;
  answerText(
    response,
    200,
    `status=${port.isPlugged ? 'OK' : 'NO_DEVICE'}\nserial=*\nversion=${VERSION}\n` +
      `pid=${process.pid}\naddress=127.0.0.1\nport=${localPort}\n`,
  );
}

async function api(
  handling: Handling,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const length = contentLength(request);
  if (length < BODY_BYTES.min || length > BODY_BYTES.max) {
    refuse(response, 400);
    return;
  }
  const frame = await readBody(request);
  if (frame === undefined) return;
  const { port, wrongAnswers, lastReply } = handling;
  const wrongBefore = wrongAnswers.take('before', frame[0] ?? 0);
  if (wrongBefore !== undefined) {
    fail(wrongBefore, response, NO_BODY);
    return;
  }
  const { reply, command } = await port.transceive(frame);
  const wrong = wrongAnswers.take('after', command);
  const previous = lastReply.bytes ?? reply;
  lastReply.bytes = reply;
  const body = wrong === undefined ? reply : wrongBody(wrong, reply, previous);
  if (body !== undefined) answer(response, body);
  else if (wrong !== undefined) fail(wrong, response, reply);
}

function answer(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { 'Content-Type': BYTES, 'Content-Length': body.length });
  // As text of one byte a character it is joined to the head: one write of one piece.
  response.end(Buffer.from(body).toString('latin1'), 'latin1');
}

/** What is sent in place of `reply`; `undefined` when it is not the body that goes wrong. */
function wrongBody(
  wrong: WrongAnswer,
  reply: Uint8Array,
  previous: Uint8Array,
): Uint8Array | undefined {
  switch (wrong.kind) {
    case 'flipped-mac-bit': {
      const flipped = reply.slice();
      flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
      return flipped;
    }
    case 'outer-error':
      return Uint8Array.of(0x7f, 0, 1, wrong.code);
    case 'truncated':
      return reply.slice(0, wrong.bytes ?? Math.floor(reply.length / 2));
    case 'replayed':
      return previous;
    case 'garbage':
      return concat(Uint8Array.of(0xff, 0xff, 0xff), reply);
    default:
      return undefined;
  }
}

/** An exchange that ends without a whole answer, or without any. */
function fail(wrong: WrongAnswer, response: ServerResponse, reply: Uint8Array): void {
  if (wrong.kind === 'http-500') {
    refuse(response, 500);
  } else if (wrong.kind === 'closed') {
    response.destroy();
  } else if (wrong.kind === 'closed-mid-body') {
    response.writeHead(200, { 'Content-Type': BYTES, 'Content-Length': reply.length });
    response.write(reply.slice(0, Math.floor(reply.length / 2)), () => response.destroy());
  }
}

/** The declared length; -1 for a chunked body, 0 for none, as Go's server has it. */
function contentLength(request: IncomingMessage): number {
  if (request.headers['transfer-encoding'] !== undefined) return -1;
  return Number(request.headers['content-length'] ?? 0);
}

/** The whole body; `undefined` when the client went away before it was complete. */
function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const chunks: Uint8Array[] = [];
  request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  request.once('end', () => resolve(concat(...chunks)));
  request.once('close', () => resolve(undefined)); // after the end it changes nothing
  return promise;
}

function isMethod(request: IncomingMessage, response: ServerResponse, method: string): boolean {
  if (request.method === method) return true;
  response.setHeader('Allow', method);
  refuse(response, 405);
  return false;
}

function refuse(response: ServerResponse, statusCode: number): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  answerText(response, statusCode, `${STATUS_CODES[statusCode]}\n`);
}

function answerText(response: ServerResponse, statusCode: number, text: string): void {
  response.statusCode = statusCode;
  response.setHeader('Content-Type', TEXT);
  response.end(text); // whole, so that Node counts it: no chunks
}

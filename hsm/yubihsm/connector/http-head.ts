/** The head of an HTTP/1.1 response: what of it matters here, and everything else refused. */
import { GarbageReplyError } from './connector-errors.ts';

/** Where a body ends. */
export type BodyEnd =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** With the connection. */
  | { readonly kind: 'close' };

/** What a head says. */
export interface ResponseHead {
  readonly status: number;
  readonly bodyEnd: BodyEnd;
  /** Milliseconds for which the connection may be used again; 0 when it is not to be. */
  readonly keepMs: number;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)$/;
const BLANKS_AROUND = /^[\t ]+|[\t ]+$/g;

/** Fields that matter, in small letters. Of the others only the form is looked at. */
const KNOWN: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
]);

/** Fields that may occur once. */
const SINGLE: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** A connection is left alone so long before the other side closes it: news travels. */
const KEEP_MARGIN_MS = 1_000;

/**
 * Reads a head: its lines, without the empty one that ends it. `connector` is for errors.
 *
 * A length that is none or that is said twice, a length beside chunks, any other coding of the
 * transfer, a field that goes on in the next line: where two readers could see two ends of a body, there is none.
 *
 * @throws {GarbageReplyError} ERR_YUBIHSM_GARBAGE_REPLY
 */
export function parseResponseHead(connector: string, text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const parts = STATUS_LINE.exec(statusLine);
  if (parts === null) throw notHttp(connector, 'status line');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, padded = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) throw notHttp(connector, 'header line');
    const key = name.toLowerCase();
    if (!KNOWN.has(key)) continue;
    const value = padded.replace(BLANKS_AROUND, '');
    const before = fields.get(key);
    if (before !== undefined && SINGLE.has(key)) throw notHttp(connector, `${key} twice`);
    fields.set(key, before === undefined ? value : `${before},${value}`);
  }
  const [isOld, status] = [parts[1] === '0', Number(parts[2])];
  const flaw = flawOf(isOld, fields);
  if (flaw !== undefined) throw notHttp(connector, flaw);
  const bodyEnd = bodyEndOf(status, fields);
  return { status, bodyEnd, keepMs: bodyEnd.kind === 'close' ? 0 : keepMsOf(isOld, fields) };
}

/** What is wrong with what it says of the body, if anything. */
function flawOf(isOld: boolean, fields: ReadonlyMap<string, string>): string | undefined {
  const length = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'length';
  if (coding === undefined) return undefined;
  if (isOld || coding.toLowerCase() !== 'chunked') return 'transfer coding';
  return length === undefined ? undefined : 'length beside chunks';
}

function bodyEndOf(status: number, fields: ReadonlyMap<string, string>): BodyEnd {
  if (status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  if (fields.has('transfer-encoding')) return { kind: 'chunked' };
  const length = fields.get('content-length');
  return length === undefined ? { kind: 'close' } : { kind: 'length', bytes: Number(length) };
}

function keepMsOf(isOld: boolean, fields: ReadonlyMap<string, string>): number {
  const options = (fields.get('connection') ?? '').toLowerCase().split(/[\t ]*,[\t ]*/);
  if (options.includes('close')) return 0;
  if (isOld && !options.includes('keep-alive')) return 0;
  const seconds = /(?:^|[\t ,])timeout=(\d{1,9})/i.exec(fields.get('keep-alive') ?? '')?.[1];
  if (seconds === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(0, Number(seconds) * 1_000 - KEEP_MARGIN_MS);
}

/** The error that says what is wrong with it. */
export function notHttp(connector: string, what: string): GarbageReplyError {
  return new GarbageReplyError(connector, `it is not HTTP (${what})`);
}

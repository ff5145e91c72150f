/** One JSON-RPC call over HTTP: bounded in bytes and time, abortable, no redirects. */
import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import { type AbortOptions, anySignal } from '@privval/proto/runtime/abort';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { MemberScanner } from './member-scanner.ts';
import { NodeRpcError } from './node-rpc-errors.ts';
import type { RpcUrl } from './rpc-url.ts';

/** Longest answer that is parsed as a whole: a commit of 10,000 validators has 2.5 MB. */
const MAX_ANSWER_BYTES = 4_194_304;

/** Longest answer of which a part is looked for. */
const MAX_SCANNED_BYTES = 134_217_728;

/** Longest part: 10,000 updates have 1.5 MB. */
const MAX_MEMBER_BYTES = 2_097_152;

/** What an error's text may have of the node's own words. */
const MAX_REASON_LENGTH = 200;

/** A call. */
export interface RpcCall extends AbortOptions {
  readonly method: string;
  /** 64-bit numbers are texts. */
  readonly params: Readonly<Record<string, string>>;
  /** Whole, from the request to the last byte. */
  readonly timeoutMs: number;
  /** The one member of the result that is wanted, where the rest may be of any length. @default the whole result */
  readonly onlyMember?: string | undefined;
}

/** Calls over one kept connection or two; disposing closes them. */
export class RpcExchange implements Disposable {
  readonly #clock: Clock;
  readonly #url: RpcUrl;
  readonly #agent: Agent;

  constructor(deps: { readonly clock: Clock }, url: RpcUrl) {
    this.#clock = deps.clock;
    this.#url = url;
    const options = { keepAlive: true, maxSockets: 4, maxFreeSockets: 2 };
    this.#agent = url.isSecure ? new SecureAgent(options) : new Agent(options);
  }

  /**
   * The result, or its member.
   *
   * @throws {NodeRpcError} ERR_NODE_RPC
   */
  async call(call: RpcCall): Promise<unknown> {
    using deadline = this.#clock.deadline(call.timeoutMs);
    const signal = anySignal(deadline.signal, call.signal) ?? deadline.signal;
    try {
      return await this.#exchange(call, signal);
    } catch (cause) {
      call.signal?.throwIfAborted();
      if (cause instanceof NodeRpcError) throw cause;
      const reason = deadline.signal.aborted
        ? `no answer within ${call.timeoutMs} ms`
        : reasonOf(cause);
      throw this.#error('unreachable', `${call.method}: ${reason}`, cause);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #exchange({ method, params, onlyMember }: RpcCall, signal: AbortSignal): Promise<unknown> {
    const body = utf8Bytes(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    const response = await this.#send(body, signal);
    try {
      // Its body is not looked at: a proxy's page, or a redirect to where nobody was asked to go.
      const status = response.statusCode ?? 0;
      if (status !== 200 && status !== 500) {
        throw this.#error('unreachable', `${method}: HTTP status ${status}`);
      }
      if (onlyMember === undefined) return this.#outcome(method, await this.#whole(response));
      return await this.#member(method, response, onlyMember);
    } finally {
      // What is left of an answer nobody reads on must not keep its connection busy.
      if (!response.readableEnded) response.destroy();
    }
  }

  #send(body: Uint8Array, signal: AbortSignal): Promise<IncomingMessage> {
    const { isSecure, host, port, path, auth } = this.#url;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options: RequestOptions = {
      host,
      port,
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
      agent: this.#agent,
      signal,
      ...(auth === undefined ? {} : { auth }),
    };
    const sent = (isSecure ? httpsRequest : httpRequest)(options, resolve);
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  async #whole(response: IncomingMessage): Promise<unknown> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw this.#error('answer', 'its answer has no end');
    }
    return this.#parsed(new TextDecoder().decode(Buffer.concat(chunks, length)));
  }

  async #member(method: string, response: IncomingMessage, member: string): Promise<unknown> {
    const scanner = new MemberScanner({ member, maxBytes: MAX_MEMBER_BYTES });
    let length = 0;
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > MAX_SCANNED_BYTES || !scanner.push(chunk)) {
        throw this.#error('answer', `${method}: its answer has no end, or is no JSON`);
      }
    }
    if (!scanner.isWhole || !scanner.isAnswer) {
      throw this.#error('answer', `${method}: its answer is cut off, or is none`);
    }
    const error = scanner.found('error');
    if (error !== undefined) return this.#outcome(method, { error: this.#parsed(error) });
    const found = scanner.found('member');
    if (found === undefined) throw this.#error('answer', `${method}: it has no ${member}`);
    return this.#parsed(found);
  }

  #parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.#error('answer', 'its answer is no JSON', cause);
    }
  }

  /** The result; an error of JSON-RPC is thrown by its kind. */
  #outcome(method: string, answer: unknown): unknown {
    if (typeof answer !== 'object' || answer === null) {
      throw this.#error('answer', `${method}: its answer is no object`);
    }
    const error: unknown = 'error' in answer ? answer.error : undefined;
    if (error === undefined || error === null) return 'result' in answer ? answer.result : null;
    const reason = [textOf(error, 'message'), textOf(error, 'data')]
      .filter((text) => text !== '')
      .join(': ');
    throw this.#error(kindOf(reason), `${method}: ${reason.slice(0, MAX_REASON_LENGTH)}`);
  }

  #error(kind: NodeRpcError['kind'], text: string, cause?: unknown): NodeRpcError {
    return new NodeRpcError(this.#url.shown, { kind, text }, cause === undefined ? {} : { cause });
  }
}

/** The same words in all versions; everything comes with one code, -32603 (test/vectors/rpc). */
function kindOf(reason: string): NodeRpcError['kind'] {
  if (/must be less than or equal to/.test(reason)) return 'ahead';
  if (/is not available|could not find|not persisting/.test(reason)) {
    return 'absent';
  }
  return 'answer';
}

function textOf(value: unknown, member: 'message' | 'data'): string {
  if (typeof value !== 'object' || value === null) return '';
  const found = (value as Readonly<Record<string, unknown>>)[member];
  return typeof found === 'string' ? found : '';
}

function reasonOf(cause: unknown): string {
  const code = errorCode(cause);
  if (code === 'ECONNREFUSED') return 'nobody listens there (ECONNREFUSED)';
  return code === 'ERR_UNKNOWN' && cause instanceof Error ? cause.message : code;
}

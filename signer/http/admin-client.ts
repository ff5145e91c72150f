/** Asks a running signer over its admin socket or over TLS: every answer within a deadline. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { anySignal } from '@privval/proto/runtime/abort';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { LivePage } from '../audit/audit-live.ts';
import type { Checkpoint } from '../audit/audit-segment.ts';
import type { ImportResult, StateImport, StateRow, ValidatorRow } from '../home/home-state.ts';
import { type AdminRouteName, adminRoute } from './admin-routes.ts';
import { type AdminTarget, describeTarget, sendRequest } from './admin-transport.ts';
import type { StatusJson } from './status-json.ts';

/** The daemon answers in milliseconds; a commit on a sick disk may take longer. */
const DEADLINE_MS = 5_000;

/** A signature that is in a device is waited for. */
const HAND_OVER_TIMEOUT_MS = 15_000;

/** Answers are small; a larger one is not from this signer. */
const MAX_ANSWER_BYTES = 4_194_304;

/** Nobody answers there. */
export class AdminUnreachableError extends CodedError {
  override readonly name = 'AdminUnreachableError';
  readonly code = 'ERR_ADMIN_UNREACHABLE';

  constructor(where: string, options?: ErrorOptions) {
    const reason = options?.cause instanceof Error ? `: ${options.cause.message}` : '';
    super(`no running signer answers at ${where}${reason}`, options);
  }
}

/** The running signer refused; text and code are its own. */
export class AdminRefusedError extends CodedError {
  override readonly name = 'AdminRefusedError';
  readonly code: `ERR_${string}`;
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, problem: { readonly code: string; readonly detail: string }) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code as `ERR_${string}`;
  }
}

/** An answer is not one of this signer's. */
export class AdminAnswerError extends CodedError {
  override readonly name = 'AdminAnswerError';
  readonly code = 'ERR_ADMIN_ANSWER';
}

/** A request to one route. */
export interface AdminRequest {
  /** For the path: `validator`, `height`, `id`. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly body?: object | undefined;
  /** A token that says who asks, instead of the socket's operator. */
  readonly token?: string | undefined;
  /** @default 5000 */
  readonly timeoutMs?: number | undefined;
}

/** How a request is sent. */
interface SendOptions extends AbortOptions {
  readonly token?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * One request, one connection. Every method throws
 * {AdminUnreachableError} ERR_ADMIN_UNREACHABLE, {AdminAnswerError} ERR_ADMIN_ANSWER, or
 * {AdminRefusedError} with the daemon's own code.
 */
export class AdminClient {
  readonly #clock: Clock;
  readonly #target: AdminTarget;

  constructor(deps: { readonly clock: Clock }, target: AdminTarget) {
    this.#clock = deps.clock;
    this.#target = target;
  }

  async status(options: AbortOptions = {}): Promise<StatusJson> {
    return (await this.#json('GET', '/v1/status', undefined, options)) as StatusJson;
  }

  async validators(options: AbortOptions = {}): Promise<readonly ValidatorRow[]> {
    return (await this.#json('GET', '/v1/validators', undefined, options)) as ValidatorRow[];
  }

  async state(options: AbortOptions = {}): Promise<readonly StateRow[]> {
    return (await this.#json('GET', '/v1/state', undefined, options)) as StateRow[];
  }

  /** A FilePV state file, as bytes. */
  async exportState(validator: string, options: AbortOptions = {}): Promise<Uint8Array> {
    const path = `/v1/validators/${encodeURIComponent(validator)}/state-file`;
    return this.#ask('GET', path, undefined, options);
  }

  async importState(wanted: StateImport, options: AbortOptions = {}): Promise<ImportResult> {
    const { validator, state, floorHeight, confirm } = wanted;
    const body = {
      ...(state === undefined ? {} : { stateFile: new TextDecoder().decode(state) }),
      ...(floorHeight === undefined ? {} : { floorHeight: String(floorHeight) }),
      ...(confirm === undefined ? {} : { confirm }),
    };
    const path = `/v1/validators/${encodeURIComponent(validator)}/floor`;
    return (await this.#json('POST', path, body, options)) as ImportResult;
  }

  /** One request to a route of the table; the answer's JSON. In two-person mode it may be an `ApprovalAskedJson`. */
  async call(
    name: AdminRouteName,
    asked: AdminRequest = {},
    options: AbortOptions = {},
  ): Promise<unknown> {
    const { method, path } = adminRoute(name);
    const { params = {}, query = {}, body, token, timeoutMs } = asked;
    const filled = path.replaceAll(/:([a-z]+)/g, (_, key: string) =>
      encodeURIComponent(params[key] ?? ''),
    );
    const search = new URLSearchParams(query).toString();
    const target = search === '' ? filled : `${filled}?${search}`;
    const content = method === 'GET' ? undefined : (body ?? {});
    return this.#json(method, target, content, { ...options, token, timeoutMs });
  }

  /** Freezes a validator for good, and gives its floor: a FilePV state file, as bytes (S34). */
  async handOver(validator: string, options: AbortOptions = {}): Promise<Uint8Array> {
    const path = `/v1/validators/${encodeURIComponent(validator)}/hand-over`;
    return this.#ask('POST', path, {}, { ...options, timeoutMs: HAND_OVER_TIMEOUT_MS });
  }

  /** Entries of the audit log that no segment has, from the first or after one. */
  async auditLive(after: string | undefined, options: AbortOptions = {}): Promise<LivePage> {
    const query = after === undefined ? '' : `?after=${after}`;
    return (await this.#json('GET', `/v1/audit/live${query}`, undefined, options)) as LivePage;
  }

  /** Has the audit log signed as it is now. */
  async auditCheckpoint(options: AbortOptions = {}): Promise<Checkpoint> {
    return (await this.#json('POST', '/v1/audit/checkpoint', {}, options)) as Checkpoint;
  }

  async #json(
    method: string,
    path: string,
    body: object | undefined,
    options: SendOptions,
  ): Promise<unknown> {
    return parseJson(await this.#ask(method, path, body, options));
  }

  async #ask(
    method: string,
    path: string,
    body: object | undefined,
    options: SendOptions,
  ): Promise<Uint8Array> {
    using deadline = this.#clock.deadline(options.timeoutMs ?? DEADLINE_MS);
    const signal = anySignal(deadline.signal, options.signal) ?? deadline.signal;
    const answer = await this.#exchange(method, path, body, { signal, token: options.token }).catch(
      (cause: unknown) => {
        options.signal?.throwIfAborted();
        if (cause instanceof CodedError) throw cause;
        throw new AdminUnreachableError(describeTarget(this.#target), {
          cause: deadline.signal.aborted ? deadline.signal.reason : cause,
        });
      },
    );
    if (answer.status === 200 || answer.status === 202) return answer.body;
    const problem = parseJson(answer.body);
    if (!isProblem(problem)) throw new AdminAnswerError(`status ${answer.status} without a code`);
    throw new AdminRefusedError(answer.status, problem);
  }

  #exchange(
    method: string,
    path: string,
    body: object | undefined,
    { signal, token }: { readonly signal: AbortSignal; readonly token: string | undefined },
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const content = body === undefined ? undefined : utf8Bytes(JSON.stringify(body));
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(content === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': content.length }),
    };
    const sent = sendRequest(this.#target, { method, path, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) {
          reject(new AdminAnswerError('the answer has no end'));
          response.destroy();
        }
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: new Uint8Array(Buffer.concat(chunks)),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(content);
    return promise;
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new AdminAnswerError('the answer is no JSON', { cause });
  }
}

function isProblem(value: unknown): value is { readonly code: string; readonly detail: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'string' &&
    'detail' in value &&
    typeof value.detail === 'string'
  );
}

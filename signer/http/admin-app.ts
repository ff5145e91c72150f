/**
 * The admin API without a socket: Fastify over the table of routes. What a request may do is looked
 * at in one order, for all of them: who asks, may they, how often; then its body; then confirmation
 * and approval; then the act.
 */
import type { RequestListener, Server } from 'node:http';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import { ConfirmationRequiredError } from '../home/home-state.ts';
import type { Operations } from '../operations.ts';
import type { Act, Caller } from './access.ts';
import { type AdminCall, type AdminParts, FileAnswer } from './admin-call.ts';
import {
  NoResourceError,
  RateLimitError,
  WrongMethodError,
  WrongRequestError,
} from './admin-errors.ts';
import { AdminGate, type AdminGateDeps, type Identified } from './admin-gate.ts';
import {
  ADMIN_ROUTES,
  type AdminRoute,
  type AdminRouteName,
  MAX_BODY_BYTES,
} from './admin-routes.ts';
import { ADMIN_SCHEMAS, type JsonSchema, NOTHING } from './admin-schemas.ts';
import { serveDocs } from './api-docs.ts';
import { ApprovalLimitError } from './approval-errors.ts';
import type { Approvals } from './approvals.ts';
import { answerClientError } from './client-error.ts';
import type { Credentials } from './credentials.ts';
import { isAct } from './judge-access.ts';
import { ADMIN_HANDLERS } from './operation-handlers.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { StatusText } from './status-text.ts';

/** A client asks again when nothing has happened for so long. */
const VERIFY_WAIT_MS = 25_000;

/** An approver has to read it, and 64 of them are shown at once. */
const MAX_APPROVED_BODY_CHARACTERS = 16_384;

const VALIDATOR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Collaborators of {@link createAdminApp}. */
export interface AdminAppDeps {
  readonly operations: Operations;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Two-person mode: its approvals. `undefined`: the mode is off. */
  readonly approvals?: Approvals | undefined;
  /** Whose tokens and certificates count. */
  readonly credentials?: (() => Credentials | undefined) | undefined;
  /** Told of each request over its limit or without the right. */
  readonly onRefused?: AdminGateDeps['onRefused'];
}

/** How it answers. */
export interface AdminAppOptions {
  /** This release. */
  readonly version: string;
  readonly serverFactory?: ((handler: RequestListener) => Server) | undefined;
  /** Whether a Host is a name of the TCP listener. @default none is */
  readonly isOurHost?: ((host: string) => boolean) | undefined;
  /** @default 25000 */
  readonly verifyWaitMs?: number | undefined;
}

/** Nothing is added, taken away or made fit. Our own schemas are not checked: that would take 40 ms. */
const SCHEMA_OPTIONS = {
  removeAdditional: false,
  coerceTypes: false,
  useDefaults: false,
  meta: false,
  validateSchema: false,
} as const;

/** Who asks, and when they are gone. */
interface Asking extends Identified {
  readonly gone: AbortController;
}

/** The application without a socket; tests ask it by `inject`. */
export function createAdminApp(deps: AdminAppDeps, options: AdminAppOptions): FastifyInstance {
  const { operations, clock, logger } = deps;
  const { serverFactory, isOurHost = () => false, version } = options;
  const gate = new AdminGate({
    clock,
    audit: operations.audit,
    credentials: deps.credentials ?? (() => undefined),
    isOurHost,
    onRefused: deps.onRefused,
  });
  const asking = new WeakMap<FastifyRequest, Asking>();
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    ajv: { customOptions: SCHEMA_OPTIONS },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    clientErrorHandler: answerClientError,
    // A path that is none comes past the hooks: it is for those who may be here all the same.
    frameworkErrors: (error, request, reply) =>
      sendProblem(reply, whatToSay(request, error), logger),
    routerOptions: { maxParamLength: 128 },
    ...(serverFactory === undefined ? {} : { serverFactory }),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof InvariantError) throw error;
    return sendProblem(reply, error, logger);
  });
  app.addHook('onRequest', async (request, reply) => {
    guardAnswer(reply);
    const identified = gate.identify(request.raw);
    const gone = new AbortController();
    asking.set(request, { ...identified, gone });
    reply.raw.once('close', () => gone.abort());
    if (isBodyless(request)) throw new WrongRequestError(`${request.method} takes no body`);
  });
  app.setNotFoundHandler((request) => {
    const methods = methodsAt(request.url);
    throw methods.length === 0 ? new NoResourceError() : new WrongMethodError(methods.join(', '));
  });
  const status = new StatusText(
    { clock, status: () => operations.status() },
    { version, pid: process.pid },
  );
  const parts: AdminParts = {
    operations,
    approvals: deps.approvals,
    logger,
    statusText: () => status.get(),
    verifyWaitMs: options.verifyWaitMs ?? VERIFY_WAIT_MS,
    deadline: (ms) => clock.deadline(ms),
  };
  for (const route of ADMIN_ROUTES) addRoute(app, route);
  serveDocs(app, { version });
  return app;

  /** One row of the table. */
  function addRoute(
    to: FastifyInstance,
    route: AdminRoute & { readonly name: AdminRouteName },
  ): void {
    const { query, body } = ADMIN_SCHEMAS.routes[route.name];
    const handler = ADMIN_HANDLERS[route.name];
    to.route({
      method: route.method,
      url: route.path,
      onRequest: async (request) => {
        gate.admit(route, askingOf(request));
      },
      errorHandler: (error, request, reply) => {
        const who = asking.get(request);
        const { validator } = request.params as { readonly validator?: string };
        const known = operations.store.validators().some(({ name }) => name === validator);
        if (who !== undefined && !isLimit(error)) {
          gate.refused(route, who, known ? validator : undefined, error);
        }
        if (error instanceof InvariantError) throw error;
        return sendProblem(reply, error, logger);
      },
      handler: async (request, reply) => {
        const { caller, gone } = askingOf(request);
        const params = request.params as Readonly<Record<string, string>>;
        const validator = params['validator'];
        if (validator !== undefined) assertValidator(validator);
        const asked = checked(request, request.query, query ?? NOTHING);
        const sent = isAct(route) ? checked(request, request.body ?? {}, body ?? NOTHING) : {};
        const { approval, ...wish } = sent;
        if (route.isConfirmed && route.name !== 'floor.raise') assertConfirmed(wish, validator);
        let act: Act = { name: route.name, by: caller.name };
        if (route.isTwoPerson && deps.approvals !== undefined) {
          const wanted = { act: route.name, validator: validator ?? null, body: wish };
          if (typeof approval !== 'string') return ask(reply, deps.approvals, wanted, caller);
          act = { ...act, approvedBy: deps.approvals.use(approval, wanted, caller.name) };
        }
        const call: AdminCall = {
          route,
          caller,
          act,
          validator: validator ?? '',
          params,
          query: asked,
          body: wish,
          signal: gone.signal,
        };
        const answer: unknown = await handler(parts, call);
        if (isAct(route)) status.forget();
        return answer instanceof FileAnswer
          ? reply.type(answer.type).send(answer.content)
          : reply.type('application/json; charset=utf-8').send(JSON.stringify(answer));
      },
    });
  }

  function whatToSay(request: FastifyRequest, error: unknown): unknown {
    try {
      gate.identify(request.raw);
      return error;
    } catch (refusal) {
      return refusal;
    }
  }

  function askingOf(request: FastifyRequest): Asking {
    const found = asking.get(request);
    if (found === undefined) throw new InvariantError('a request that nobody identified');
    return found;
  }

  /** Before anything is looked up by it: a name is a name. */
  function assertValidator(name: string): void {
    if (!VALIDATOR_NAME.test(name)) throw new UnknownValidatorError(name);
    operations.store.validator(name);
  }
}

/** A validator with this body stays: it is named once more, for nothing of it can be undone. */
function assertConfirmed(
  { confirm }: Readonly<Record<string, unknown>>,
  validator: string | undefined,
): void {
  if (validator !== undefined && confirm !== validator) {
    throw new ConfirmationRequiredError(
      validator,
      'this needs the name of the validator once more',
    );
  }
}

function ask(
  reply: FastifyReply,
  approvals: Approvals,
  wanted: { readonly act: string; readonly validator: string | null; readonly body: unknown },
  caller: Caller,
): FastifyReply {
  if (JSON.stringify(wanted.body).length > MAX_APPROVED_BODY_CHARACTERS) {
    throw new WrongRequestError('what a second person has to read is at most 16 KiB long');
  }
  const { id, hash, expiresAt } = approvals.ask(wanted, caller.name);
  const approveWith = `signer approve ${id} --hash ${hash}`;
  return reply
    .code(202)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ approval: id, hash, expiresAt, approveWith }));
}

/**
 * A part of a request that has passed its schema. Each schema is compiled when the first request comes
 * that needs it: all of them at once would hold up a vote.
 *
 * @throws {WrongRequestError} ERR_ADMIN_REQUEST
 */
function checked(
  request: FastifyRequest,
  part: unknown,
  schema: JsonSchema,
): Readonly<Record<string, unknown>> {
  if (schema === NOTHING && isEmpty(part)) return {};
  const validate = request.compileValidationSchema(schema);
  if (validate(part) === true) return part as Readonly<Record<string, unknown>>;
  const [error] = validate.errors ?? [];
  throw new WrongRequestError(describeSchemaError(error));
}

function isEmpty(part: unknown): boolean {
  return typeof part === 'object' && part !== null && Object.keys(part).length === 0;
}

/** What Fastify tells of a part that does not pass. */
interface SchemaError {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function describeSchemaError(error: SchemaError | undefined): string {
  if (error === undefined) return 'the request does not have the form it should have';
  const { instancePath, message = 'is wrong', params } = error;
  const stranger = params['additionalProperty'];
  const named = typeof stranger === 'string' ? `: ${JSON.stringify(stranger.slice(0, 64))}` : '';
  return `${instancePath === '' ? 'the request' : instancePath} ${message}${named}`;
}

/** No answer is kept by anybody, or read as something else than it is. */
function guardAnswer(reply: FastifyReply): void {
  void reply.header('cache-control', 'no-store');
  void reply.header('x-content-type-options', 'nosniff');
}

function sendProblem(reply: FastifyReply, error: unknown, logger: Logger): FastifyReply {
  const problem = problemOf(error);
  guardAnswer(reply);
  if (problem.status >= 500) {
    logger.error({ code: errorCode(error), err: error }, 'an admin request failed');
  }
  if (error instanceof RateLimitError) void reply.header('retry-after', error.retryAfterSeconds);
  if (error instanceof WrongMethodError) void reply.header('allow', error.allow);
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  // What is left of a body that was not read is not read now either.
  if (hasBody(reply.request)) void reply.header('connection', 'close');
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

function isLimit(error: unknown): boolean {
  const code = errorCode(error);
  // Told of where it is decided: one event is added up once.
  return (
    code === 'ERR_ADMIN_RATE' ||
    code === 'ERR_ADMIN_FORBIDDEN' ||
    error instanceof ApprovalLimitError
  );
}

function hasBody({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A body where none belongs is not read. */
function isBodyless(request: FastifyRequest): boolean {
  return !['POST', 'DELETE'].includes(request.method) && hasBody(request);
}

const PATTERNS: readonly { readonly method: string; readonly path: RegExp }[] = ADMIN_ROUTES.map(
  ({ method, path }) => ({
    method,
    path: new RegExp(`^${path.replaceAll(/:[a-z]+/g, '[^/]+')}$`),
  }),
);

/** The methods that a path would take. */
function methodsAt(url: string): readonly string[] {
  const [path = ''] = url.split('?');
  return PATTERNS.filter((pattern) => pattern.path.test(path)).map(({ method }) => method);
}

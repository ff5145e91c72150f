/** Who is asking, and how often: everything that is decided before a byte of a body is read. */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { AuditLog, Summarized } from '../audit/audit-log.ts';
import type { Caller } from './access.ts';
import {
  ForbiddenError,
  RateLimitError,
  UnauthenticatedError,
  WrongHostError,
} from './admin-errors.ts';
import { type AdminRoute, RATE_LIMITS, UNPROVEN_LIMIT } from './admin-routes.ts';
import type { Credentials } from './credentials.ts';
import { isAct, mayUse } from './judge-access.ts';
import { RateLimiter } from './rate-limiter.ts';

/** All addresses together get this many times what one gets. */
const ALL_UNPROVEN = 10;

/** The Unix socket's file mode has let this one in. */
const LOCAL: Caller = { name: 'local', role: 'operator', via: 'socket' };

const BEARER = /^Bearer ([A-Za-z0-9_-]{43})$/;

/** A caller, and by which door: the audit log names the door. */
export interface Identified {
  readonly caller: Caller;
  readonly source: 'admin socket' | 'admin tcp';
}

/** Collaborators of {@link AdminGate}. */
export interface AdminGateDeps {
  readonly clock: Clock;
  readonly audit: Pick<AuditLog, 'addUp'>;
  /** Told of each request over its limit or without the right. @default nobody counts them */
  readonly onRefused?: ((limit: AdminRoute['limit'] | 'unproven') => void) | undefined;
  /** `undefined`: no token or certificate counts. */
  readonly credentials: () => Credentials | undefined;
  /** Whether a Host of a request over TCP is a name of the listener. */
  readonly isOurHost: (host: string) => boolean;
}

/** Callers, their roles and their limits. Refused requests are added up in the audit log. */
export class AdminGate {
  readonly #deps: AdminGateDeps;
  readonly #unproven: RateLimiter;
  readonly #allUnproven: RateLimiter;
  readonly #limits: Readonly<Record<AdminRoute['limit'], RateLimiter>>;

  constructor(deps: AdminGateDeps) {
    this.#deps = deps;
    this.#unproven = new RateLimiter(deps, UNPROVEN_LIMIT);
    this.#allUnproven = new RateLimiter(deps, {
      perSecond: UNPROVEN_LIMIT.perSecond * ALL_UNPROVEN,
      burst: UNPROVEN_LIMIT.burst * ALL_UNPROVEN,
    });
    this.#limits = {
      read: new RateLimiter(deps, RATE_LIMITS.read),
      act: new RateLimiter(deps, RATE_LIMITS.act),
      heavy: new RateLimiter(deps, RATE_LIMITS.heavy),
    };
  }

  /**
   * Who it is. On the socket: `local`, or, with a token, whoever has it; a token there can only
   * exchange one role for another, for whoever opens the socket is an operator already.
   *
   * @throws {WrongHostError} ERR_ADMIN_HOST
   * @throws {UnauthenticatedError} ERR_ADMIN_UNAUTHENTICATED
   * @throws {RateLimitError} ERR_ADMIN_RATE instead, when an address tries too often
   */
  identify(request: IncomingMessage): Identified {
    const { socket, headers } = request;
    const isTcp = socket instanceof TLSSocket;
    const source = isTcp ? 'admin tcp' : 'admin socket';
    const caller = this.#callerOf(request);
    if (caller === undefined) {
      const address = sourceOf(socket.remoteAddress);
      const wait = this.#unproven.take(address) || this.#allUnproven.take('all');
      const error = wait > 0 ? new RateLimitError(wait) : new UnauthenticatedError();
      this.#addUp(source, wait > 0 ? 'limited' : 'unauthenticated', error.code);
      this.#deps.onRefused?.('unproven');
      throw error;
    }
    if (isTcp && !this.#deps.isOurHost(headers.host ?? '')) throw new WrongHostError();
    return { caller, source };
  }

  /**
   * Whether the caller may use the route now.
   *
   * @throws {ForbiddenError} ERR_ADMIN_FORBIDDEN
   * @throws {RateLimitError} ERR_ADMIN_RATE
   */
  admit(route: AdminRoute, { caller, source }: Identified): void {
    if (!mayUse(caller.role, route.role)) {
      const error = new ForbiddenError(route.name, route.role, caller.role);
      this.#addUp(source, 'forbidden', error.code, route.name);
      this.#deps.onRefused?.(route.limit);
      throw error;
    }
    const wait = this.#limits[route.limit].take(caller.name);
    if (wait > 0) {
      const error = new RateLimitError(wait);
      this.#addUp(source, 'limited', error.code, route.name);
      this.#deps.onRefused?.(route.limit);
      throw error;
    }
  }

  /** Adds a refused act up. What is only read leaves no trace. */
  refused(
    route: AdminRoute,
    { source }: Identified,
    validator: string | undefined,
    error: unknown,
  ): void {
    if (!isAct(route)) return;
    this.#addUp(source, 'refused', errorCode(error), route.name, validator);
  }

  #callerOf({ socket, headers }: IncomingMessage): Caller | undefined {
    const { authorization } = headers;
    const credentials = this.#deps.credentials();
    if (authorization !== undefined) {
      const [, token] = BEARER.exec(authorization) ?? [];
      return token === undefined ? undefined : credentials?.byToken(token);
    }
    if (!(socket instanceof TLSSocket)) return LOCAL;
    if (!socket.authorized) return undefined;
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? undefined : credentials?.byCertificate(certificate);
  }

  /** The texts are the routes' names and our codes: nothing in them was chosen by a stranger. */
  #addUp(
    source: string,
    what: Summarized['what'],
    code: string,
    text?: string,
    validator?: string,
  ): void {
    this.#deps.audit.addUp({ source, what, code, text, validator });
  }
}

/** One address of IPv4; of IPv6 the network, since a host has as many addresses there as it likes. */
function sourceOf(address = 'none'): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const { hostname } = new URL(`http://[${address.split('%')[0]}]`);
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::');
  const front = head.split(':').filter((group) => group !== '');
  const back = tail.split(':').filter((group) => group !== '');
  const zeros = new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}

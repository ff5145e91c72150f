/** How long and how much a connection to the admin API may take. */
import type { ServerOptions } from 'node:http';

/** The limits. */
export interface HttpLimits {
  /** From the connection to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** From the connection to the end of the body. */
  readonly requestTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the two are looked at. */
  readonly checkIntervalMs: number;
  /** More are closed as they come. */
  readonly maxConnections: number;
  readonly maxRequestsPerSocket: number;
}

/** Of a listener where nothing else is asked for. */
export const HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  checkIntervalMs: 1_000,
  maxConnections: 64,
  maxRequestsPerSocket: 1_000,
};

/** As Node's server takes them. */
export function serverOptions(limits: HttpLimits): ServerOptions {
  return {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
  };
}

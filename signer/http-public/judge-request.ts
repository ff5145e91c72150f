/** What the public listener answers at all. Pure: five paths, two methods, hosts that are its own. */
import { isIP } from 'node:net';
import { isLoopbackHost } from '../connection/node-address.ts';

/** The paths there are. */
export const PUBLIC_PATHS: readonly PublicPath[] = [
  '/',
  '/events',
  '/healthz',
  '/metrics',
  '/readyz',
];

/** One of them. */
export type PublicPath = '/' | '/events' | '/healthz' | '/metrics' | '/readyz';

/** What of a request is looked at. */
export interface PublicRequest {
  readonly method: string | undefined;
  /** As on the wire. */
  readonly target: string | undefined;
  /** Each Host header there was. */
  readonly hosts: readonly string[];
  readonly hasBody: boolean;
}

/** Under which names the listener may be asked. */
export interface PublicNames {
  /** As configured. */
  readonly host: string;
  /** Not only from this machine: then by any IP literal too, but by no name that is not configured. */
  readonly isPublic: boolean;
}

/** What to do with it. */
export type PublicVerdict =
  | { readonly kind: 'answer'; readonly path: PublicPath; readonly isHead: boolean }
  | { readonly kind: 'refuse'; readonly status: 400 | 404 | 405 | 421 };

/**
 * A page of a stranger's name that points here (DNS rebinding) must not be answered, so the host
 * comes first. Queries are none of ours: a target is one of the paths, byte for byte.
 */
export function judgeRequest(request: PublicRequest, names: PublicNames): PublicVerdict {
  const [host, ...more] = request.hosts;
  if (host === undefined || more.length > 0) return refuse(400);
  if (!isOwnHost(host, names)) return refuse(421);
  const path = PUBLIC_PATHS.find((known) => known === request.target);
  if (path === undefined) return refuse(404);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405);
  if (request.hasBody) return refuse(400);
  return { kind: 'answer', path, isHead: request.method === 'HEAD' };
}

function refuse(status: 400 | 404 | 405 | 421): PublicVerdict {
  return { kind: 'refuse', status };
}

/** Any port: who forwards one asks by another. */
function isOwnHost(header: string, { host, isPublic }: PublicNames): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?$/.exec(header);
  const name = (match?.[1] ?? match?.[2])?.toLowerCase();
  if (name === undefined) return false;
  if (name === host.toLowerCase()) return true;
  if (name === 'localhost' || (isIP(name) !== 0 && isLoopbackHost(name))) return true;
  return isPublic && isIP(name) !== 0;
}

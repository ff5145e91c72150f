/**
 * Every resource of the admin API, once: the server registers by this table, the client calls by it, the
 * OpenAPI document and the tests of roles go through it. Schemas are by name in `schemas/`.
 */
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Role } from './access.ts';

/** One method of one resource. */
export interface AdminRoute {
  /** The act, as audit entries and approvals name it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Fastify's form. `:validator` is a name; it is looked up, never part of a file's path. */
  readonly path: string;
  /** The least role. `approver` stands beside `operator`, not above it: it may do what a viewer may, and approve. */
  readonly role: Role;
  /** In two-person mode a first call answers 202 with an approval; the same call with its id acts. */
  readonly isTwoPerson?: true;
  /** The body has `confirm`, which must be the validator's name. */
  readonly isConfirmed?: true;
  /** Which bucket of requests it draws on. */
  readonly limit: 'read' | 'act' | 'heavy';
}

/**
 * The table. Bodies and answers are those of `admin-bodies.ts`. Lowering a floor has no row.
 * `rotation.arm` by hand is two-person and confirmed where S44 says so; a switch the chain decided passes nowhere here.
 */
export const ADMIN_ROUTES = [
  { name: 'status', method: 'GET', path: '/v1/status', role: 'viewer', limit: 'read' },
  { name: 'validators', method: 'GET', path: '/v1/validators', role: 'viewer', limit: 'read' },
  { name: 'keys', method: 'GET', path: '/v1/keys', role: 'viewer', limit: 'read' },
  { name: 'state', method: 'GET', path: '/v1/state', role: 'viewer', limit: 'read' },
  {
    name: 'state.export',
    method: 'GET',
    path: '/v1/validators/:validator/state-file',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'state.hand-over',
    method: 'POST',
    path: '/v1/validators/:validator/hand-over',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'floor.show',
    method: 'GET',
    path: '/v1/validators/:validator/floor',
    role: 'viewer',
    limit: 'read',
  },
  {
    name: 'floor.raise',
    method: 'POST',
    path: '/v1/validators/:validator/floor',
    role: 'operator',
    isTwoPerson: true,
    isConfirmed: true,
    limit: 'act',
  },
  {
    name: 'nodes',
    method: 'GET',
    path: '/v1/validators/:validator/nodes',
    role: 'viewer',
    limit: 'read',
  },
  {
    name: 'nodes.add',
    method: 'POST',
    path: '/v1/validators/:validator/nodes',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'nodes.remove',
    method: 'DELETE',
    path: '/v1/validators/:validator/nodes',
    role: 'operator',
    isTwoPerson: true,
    isConfirmed: true,
    limit: 'act',
  },
  {
    name: 'validator.freeze',
    method: 'POST',
    path: '/v1/validators/:validator/freeze',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'validator.unfreeze',
    method: 'POST',
    path: '/v1/validators/:validator/unfreeze',
    role: 'operator',
    isTwoPerson: true,
    isConfirmed: true,
    limit: 'act',
  },
  {
    name: 'validator.ceiling',
    method: 'POST',
    path: '/v1/validators/:validator/height-ceiling',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'validator.why',
    method: 'GET',
    path: '/v1/validators/:validator/why/:height',
    role: 'viewer',
    limit: 'heavy',
  },
  {
    name: 'rotation.status',
    method: 'GET',
    path: '/v1/validators/:validator/rotation',
    role: 'viewer',
    limit: 'read',
  },
  {
    name: 'rotation.plan',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/plan',
    role: 'operator',
    limit: 'heavy',
  },
  {
    name: 'rotation.generate',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/generate',
    role: 'operator',
    limit: 'heavy',
  },
  {
    name: 'rotation.prove',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/prove',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'rotation.tx',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/tx',
    role: 'operator',
    limit: 'act',
  },
  {
    name: 'rotation.arm',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/arm',
    role: 'operator',
    isTwoPerson: true,
    limit: 'act',
  },
  {
    name: 'rotation.verify',
    method: 'GET',
    path: '/v1/validators/:validator/rotation/verified',
    role: 'viewer',
    limit: 'heavy',
  },
  {
    name: 'rotation.finish',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/finish',
    role: 'operator',
    isTwoPerson: true,
    isConfirmed: true,
    limit: 'heavy',
  },
  {
    name: 'rotation.abort',
    method: 'POST',
    path: '/v1/validators/:validator/rotation/abort',
    role: 'operator',
    limit: 'act',
  },
  { name: 'audit.show', method: 'GET', path: '/v1/audit', role: 'viewer', limit: 'heavy' },
  { name: 'audit.status', method: 'GET', path: '/v1/audit/status', role: 'viewer', limit: 'read' },
  { name: 'audit.live', method: 'GET', path: '/v1/audit/live', role: 'viewer', limit: 'heavy' },
  {
    name: 'audit.checkpoint',
    method: 'POST',
    path: '/v1/audit/checkpoint',
    role: 'operator',
    limit: 'act',
  },
  { name: 'approvals', method: 'GET', path: '/v1/approvals', role: 'viewer', limit: 'read' },
  {
    name: 'approvals.approve',
    method: 'POST',
    path: '/v1/approvals/:id',
    role: 'approver',
    limit: 'act',
  },
  { name: 'doctor', method: 'GET', path: '/v1/doctor', role: 'viewer', limit: 'heavy' },
  { name: 'reload', method: 'POST', path: '/v1/reload', role: 'operator', limit: 'act' },
] as const;

/** Name of a route. */
export type AdminRouteName = (typeof ADMIN_ROUTES)[number]['name'];

const ROUTES: ReadonlyMap<string, AdminRoute> = new Map(
  ADMIN_ROUTES.map((route: AdminRoute) => [route.name, route]),
);

/** The route of this name. */
export function adminRoute(name: AdminRouteName): AdminRoute {
  const route = ROUTES.get(name);
  if (route === undefined) throw new InvariantError(`no admin route ${name}`);
  return route;
}

/** Requests a second that a caller may make, and how many at once after a pause. Over it: 429, ERR_ADMIN_RATE. */
export const RATE_LIMITS: Readonly<
  Record<AdminRoute['limit'], { readonly perSecond: number; readonly burst: number }>
> = {
  read: { perSecond: 200, burst: 400 },
  act: { perSecond: 5, burst: 20 },
  heavy: { perSecond: 5, burst: 10 },
};

/** Requests a second of callers that have not proven who they are, by address; over all addresses ten times that. */
export const UNPROVEN_LIMIT: { readonly perSecond: number; readonly burst: number } = {
  perSecond: 2,
  burst: 10,
};

/** Largest body in bytes; more is refused by its header, before it is read. */
export const MAX_BODY_BYTES = 65_536;

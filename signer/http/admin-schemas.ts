/** The JSON Schemas of the admin API, as `npm run generate` made them from TypeBox. */
import type { AdminRouteName } from './admin-routes.ts';
import generated from './generated/admin-schemas.json' with { type: 'json' };

/** A JSON Schema, as data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a route takes beside its path, and what it answers. */
export interface RouteSchemas {
  readonly query?: JsonSchema;
  readonly body?: JsonSchema;
  /** `null`: a file that is not JSON of ours. */
  readonly answer: JsonSchema | null;
}

/** The schemas of all routes. */
export const ADMIN_SCHEMAS: {
  readonly problem: JsonSchema;
  readonly asked: JsonSchema;
  readonly routes: Readonly<Record<AdminRouteName, RouteSchemas>>;
} = generated;

/** A route that takes no query, or no body, takes an empty one. */
export const NOTHING: JsonSchema = { type: 'object', additionalProperties: false };

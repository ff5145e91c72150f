/** The admin API in OpenAPI's words, made from the table of routes and its schemas. */
import { ADMIN_ROUTES, type AdminRoute, RATE_LIMITS } from './admin-routes.ts';
import { ADMIN_SCHEMAS, type JsonSchema } from './admin-schemas.ts';

/** What parameters of a path are. */
const PARAMETERS: Readonly<Record<string, string>> = {
  validator: 'name of a validator',
  height: 'a height, in decimal digits',
  id: 'id of an approval',
};

/** @returns the document, as data */
export function openApiDocument(options: { readonly version: string }): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ADMIN_ROUTES) {
    const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'privval signer: admin API',
      version: options.version,
      description:
        'Heights are decimal texts, times ISO 8601. Every error is a problem (RFC 9457) whose code is explained in docs/errors.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'admin.sock, or admin.listen over TLS' }],
    security: [{ token: [] }, { certificate: [] }],
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: ADMIN_SCHEMAS.problem, ApprovalAsked: ADMIN_SCHEMAS.asked },
      responses: {
        Problem: {
          description: 'refused; the code says why',
          content: {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'a token by signer admin token' },
        certificate: {
          type: 'mutualTLS',
          description: 'a client certificate of the credentials file',
        },
      },
    },
  };
}

const TAGS: readonly string[] = [...new Set(ADMIN_ROUTES.map(({ path }) => tagOf(path)))];

/** The resource: the last word of the path that is no parameter and no step of a rotation. */
function tagOf(path: string): string {
  const words = path.split('/').filter((word) => word !== '' && !word.startsWith(':'));
  return words.includes('rotation') ? 'rotation' : (words[1] ?? '');
}

function operationOf(route: (typeof ADMIN_ROUTES)[number]): JsonSchema {
  const { name, path } = route;
  const { query, body, answer } = ADMIN_SCHEMAS.routes[name];
  const isAct = route.method !== 'GET';
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary: name,
    description: describe(route),
    parameters: [
      ...[...path.matchAll(/:([a-z]+)/g)].map(([, of = '']) => ({
        name: of,
        in: 'path',
        required: true,
        description: PARAMETERS[of] ?? of,
        schema: { type: 'string' },
      })),
      ...Object.entries((query?.['properties'] ?? {}) as Record<string, JsonSchema>).map(
        ([of, schema]) => ({ name: of, in: 'query', required: false, schema }),
      ),
    ],
    ...(isAct && body !== undefined
      ? {
          requestBody: {
            required: hasRequired(body),
            content: { 'application/json': { schema: body } },
          },
        }
      : {}),
    responses: {
      200: { description: 'done', content: contentOf(answer) },
      ...('isTwoPerson' in route
        ? {
            202: {
              description: 'two-person mode: an approver has to agree first',
              content: {
                'application/json': { schema: { $ref: '#/components/schemas/ApprovalAsked' } },
              },
            },
          }
        : {}),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function hasRequired(schema: JsonSchema): boolean {
  const { required, minProperties } = schema;
  return (Array.isArray(required) && required.length > 0) || minProperties !== undefined;
}

function contentOf(answer: JsonSchema | null): JsonSchema {
  const schema = answer ?? { type: 'object', description: 'priv_validator_state.json' };
  return { 'application/json': { schema } };
}

function describe({ role, limit, isTwoPerson, isConfirmed }: AdminRoute): string {
  const { perSecond, burst } = RATE_LIMITS[limit];
  const sentences = [
    role === 'viewer' ? 'For every role.' : `For the role ${role}.`,
    `At most ${perSecond} a second, ${burst} at once after a pause.`,
  ];
  if (isTwoPerson) sentences.push('Needs an approval in two-person mode.');
  if (isConfirmed) sentences.push('Needs `confirm` with the name of the validator.');
  return sentences.join(' ');
}

/**
 * `/docs`: the OpenAPI document and a page to read it. Nothing of it is loaded before somebody asks,
 * and nothing from outside: the page's files are on this disk, and its policy says so.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { NoResourceError } from './admin-errors.ts';
import { openApiDocument } from './openapi.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

const PREFIX = '/docs';

/** Scripts and styles of this origin; the page sets some styles in place. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Routing = (request: IncomingMessage, response: ServerResponse) => void;

/** Adds `/docs`, `/docs/json` and the files of the page; behind the same door as all the rest. */
export function serveDocs(app: FastifyInstance, options: { readonly version: string }): void {
  let loading: Promise<Routing> | undefined;
  app.get(`${PREFIX}/json`, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(openApiDocument(options))),
  );
  for (const url of [PREFIX, `${PREFIX}/*`]) {
    app.get(url, async (request, reply) => {
      loading ??= loadPage(options);
      const routing = await loading;
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      reply.raw.setHeader('content-security-policy', POLICY);
      reply.raw.setHeader('referrer-policy', 'no-referrer');
      routing(request.raw, reply.raw);
    });
  }
}

async function loadPage(options: { readonly version: string }): Promise<Routing> {
  const { default: Fastify } = await import('fastify');
  const { default: swagger } = await import('@fastify/swagger');
  const { default: swaggerUi } = await import('@fastify/swagger-ui');
  const page = Fastify({ logger: false, exposeHeadRoutes: false });
  await page.register(swagger, {
    mode: 'static',
    specification: { document: openApiDocument(options) as never },
  });
  await page.register(swaggerUi, {
    routePrefix: PREFIX,
    // A badge of another site, and requests that a page would make in somebody's name.
    uiConfig: { validatorUrl: null, supportedSubmitMethods: [] },
    logLevel: 'silent',
  });
  page.setNotFoundHandler(() => {
    throw new NoResourceError();
  });
  page.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
  });
  await page.ready();
  return (request, response) => page.routing(request, response);
}

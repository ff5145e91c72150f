import { systemClock } from '@privval/proto/runtime/clock';
import { ADMIN_ROUTES } from '@privval/signer/http/admin-routes';
import { ADMIN_SCHEMAS } from '@privval/signer/http/admin-schemas';
import { openApiDocument } from '@privval/signer/http/openapi';
import { ANSWER_SCHEMAS } from '@privval/signer/http/schemas/answer-schemas';
import { REQUEST_SCHEMAS } from '@privval/signer/http/schemas/request-schemas';
import { describe, expect, test } from 'vitest';
import { AdminRig, ROUTES } from './admin-rig.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document of JSON, taken apart
const document = JSON.parse(JSON.stringify(openApiDocument({ version: '1.2.3' }))) as any;

/** Every object in the document. */
function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [value as Readonly<Record<string, unknown>>, ...inside];
}

describe('the OpenAPI document', () => {
  test('has every route of the table, and no other', () => {
    const operations = Object.values(document.paths).flatMap((path) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      Object.values(path as object).map(({ operationId }: any) => operationId),
    );
    expect(operations.sort()).toEqual(ADMIN_ROUTES.map(({ name }) => name).sort());
  });

  test.each(ROUTES)('%s is described: parameters, body, answers', (name, route) => {
    const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}');
    const operation = document.paths[path][route.method.toLowerCase()];
    const declared = operation.parameters.filter((of: { in: string }) => of.in === 'path');
    expect(declared.map((of: { name: string }) => `{${of.name}}`)).toEqual(
      path.match(/\{[a-z]+\}/g) ?? [],
    );
    for (const parameter of declared) expect(parameter.required).toBe(true);
    expect(operation.description).toContain(route.role === 'viewer' ? 'every role' : route.role);
    const schemas = ADMIN_SCHEMAS.routes[route.name as keyof typeof ADMIN_SCHEMAS.routes];
    expect(operation.requestBody?.content['application/json'].schema).toEqual(schemas.body);
    expect(operation.responses['200'].content['application/json'].schema.type).toBeDefined();
    expect(operation.responses.default).toEqual({ $ref: '#/components/responses/Problem' });
    expect('202' in operation.responses).toBe(route.isTwoPerson === true);
    if (route.method !== 'GET') expect([name, schemas.body]).toEqual([name, expect.any(Object)]);
  });

  test('is whole: what it refers to is there, and its version is one', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: '1.2.3' });
    for (const { $ref } of objectsIn(document)) {
      if ($ref === undefined) continue;
      const found = String($ref)
        .replace(/^#\//, '')
        .split('/')
        // biome-ignore lint/suspicious/noExplicitAny: as above
        .reduce((at: any, part) => at?.[part], document);
      expect([$ref, typeof found]).toEqual([$ref, 'object']);
    }
    for (const requirement of document.security) {
      for (const scheme of Object.keys(requirement)) {
        expect(document.components.securitySchemes).toHaveProperty(scheme);
      }
    }
  });

  test('closes every body: unknown members are refused by the schema', () => {
    for (const [name, { body, query }] of Object.entries(REQUEST_SCHEMAS)) {
      for (const schema of objectsIn(JSON.parse(JSON.stringify([body, query])))) {
        if (schema['type'] === 'object') {
          expect([name, schema['additionalProperties']]).toEqual([name, false]);
        }
      }
    }
  });

  test('says the same as the TypeBox sources: npm run generate was run', () => {
    for (const { name } of ADMIN_ROUTES) {
      const fresh = { ...REQUEST_SCHEMAS[name], answer: ANSWER_SCHEMAS[name] };
      expect(ADMIN_SCHEMAS.routes[name]).toEqual(JSON.parse(JSON.stringify(fresh)));
    }
  });
});

describe('/docs', () => {
  test('gives the document, and a page that loads nothing from outside', async () => {
    await using rig = new AdminRig({ clock: systemClock });
    expect((await rig.ask({ method: 'GET', url: '/docs/json' })).json).toEqual({
      ...document,
    });
    const page = await rig.ask({ method: 'GET', url: '/docs' });
    expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|'unsafe-eval'|\*/);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      const url = new URL(asset, 'http://x/docs').pathname;
      const { status, headers } = await rig.ask({ method: 'GET', url });
      expect([url, status]).toEqual([url, 200]);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    const initializer = await rig.ask({
      method: 'GET',
      url: '/docs/static/swagger-initializer.js',
    });
    expect(initializer.text).toContain('"validatorUrl":null');
  });

  test.each([
    '/docs/static/../../package.json',
    '/docs/static/%2e%2e/%2e%2e/package.json',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs/nothing',
    '/docs/static/%00',
  ])('%s is not there', async (url) => {
    await using rig = new AdminRig();
    const answer = await rig.ask({ method: 'GET', url });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.json.code).toMatch(/^ERR_ADMIN_(NOT_FOUND|REQUEST)$/);
  });

  test('is for those who may use the API', async () => {
    await using rig = new AdminRig();
    for (const url of ['/docs', '/docs/json', '/docs/static/swagger-ui-bundle.js']) {
      expect((await rig.ask({ method: 'GET', url, as: 'nobody' })).status).toBe(401);
      expect((await rig.ask({ method: 'GET', url, as: 'vera' })).status).toBe(200);
    }
  });
});

import { ADMIN_ROUTES, MAX_BODY_BYTES } from '@privval/signer/http/admin-routes';
import { ADMIN_SCHEMAS } from '@privval/signer/http/admin-schemas';
import { mayUse } from '@privval/signer/http/judge-access';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { AdminRig, goodRequest, PEOPLE, type RigAnswer, ROUTES } from './admin-rig.ts';

/** Every answer that is no success is one of these. */
function expectProblem(answer: RigAnswer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.type).toContain('application/problem+json');
  expect(answer.json).toEqual({
    type: 'about:blank',
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
  });
  expect(answer.headers['cache-control']).toBe('no-store');
}

describe('every route of the table', () => {
  test.each(ROUTES)('%s answers what its schema says', async (name, route) => {
    await using rig = new AdminRig();
    const { answer: schema } =
      ADMIN_SCHEMAS.routes[route.name as keyof typeof ADMIN_SCHEMAS.routes];
    let isAsSaid: unknown;
    rig.app.addHook('onSend', async (request, _reply, payload) => {
      if (schema === null) return;
      const validate = request.compileValidationSchema(schema);
      isAsSaid = validate(JSON.parse(String(payload))) || validate.errors;
    });
    const as = route.role === 'approver' ? 'ada' : undefined;
    const answer = await rig.ask({ ...goodRequest(route), ...(as === undefined ? {} : { as }) });
    if (name === 'approvals.approve') {
      expectProblem(answer, 404, 'ERR_APPROVAL_UNKNOWN');
      return;
    }
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    if (schema !== null) expect(isAsSaid).toBe(true);
  });

  test.each(
    ROUTES.flatMap(([name, route]) =>
      PEOPLE.map(({ name: who, role }) => [name, who, role, route] as const),
    ),
  )('%s, asked by %s the %s, follows the roles', async (_name, who, role, route) => {
    await using rig = new AdminRig();
    const answer = await rig.ask({ ...goodRequest(route), as: who });
    if (mayUse(role, route.role)) expect(answer.status).not.toBe(403);
    else {
      expectProblem(answer, 403, 'ERR_ADMIN_FORBIDDEN');
      expect(rig.operations.calls).toEqual([]);
      expect(rig.refused).toEqual([route.limit]);
      expect(rig.operations.audit.added).toMatchObject([
        {
          source: 'admin socket',
          what: 'forbidden',
          code: 'ERR_ADMIN_FORBIDDEN',
          text: route.name,
        },
      ]);
    }
  });

  test.each(ROUTES.filter(([, { method }]) => method !== 'GET'))(
    '%s refuses a member that it does not know, adds it up in the audit log, and does nothing',
    async (_name, route) => {
      await using rig = new AdminRig();
      const request = goodRequest(route);
      const as = route.role === 'approver' ? 'ada' : 'oscar';
      const payload = { ...(request.payload as object), force: true };
      expectProblem(await rig.ask({ ...request, payload, as }), 400, 'ERR_ADMIN_REQUEST');
      expect(rig.operations.calls).toEqual([]);
      expect(rig.operations.audit.added).toMatchObject([
        { what: 'refused', code: 'ERR_ADMIN_REQUEST', text: route.name },
      ]);
    },
  );

  test.each(ROUTES.filter(([, { path }]) => path.includes(':validator')))(
    '%s refuses a validator that is not there, by any trick with its path',
    async (_name, route) => {
      await using rig = new AdminRig();
      const request = goodRequest(route);
      for (const name of [
        'other',
        '..',
        '%2e%2e',
        '%2e%2e%2fmain',
        'main%00',
        '%252e%252e',
        'ma%20in',
        'main%0a',
      ]) {
        const answer = await rig.ask({ ...request, url: request.url.replace('main', name) });
        expect([400, 404]).toContain(answer.status);
        expect(answer.json.code).toMatch(/^ERR_(UNKNOWN_VALIDATOR|ADMIN_NOT_FOUND|ADMIN_REQUEST)$/);
      }
      expect(rig.operations.calls).toEqual([]);
    },
  );

  test('S37: takes bytes to sign nowhere, and none lowers a floor', () => {
    const words = JSON.stringify(ADMIN_SCHEMAS.routes);
    expect(words).not.toMatch(/signBytes|"message"|lower/);
    expect(ADMIN_ROUTES.filter(({ name }) => /sign|lower/.test(name))).toEqual([]);
  });
});

describe('an act', () => {
  test('reaches the desk with its name and with who did it', async () => {
    await using rig = new AdminRig();
    await rig.ask({
      method: 'POST',
      url: '/v1/validators/main/freeze',
      payload: { reason: 'x' },
      as: 'oscar',
    });
    await rig.ask({ method: 'POST', url: '/v1/reload', payload: {} });
    expect(rig.operations.calls).toMatchObject([
      { what: 'freeze', wanted: 'x', act: { name: 'validator.freeze', by: 'oscar' } },
      { what: 'reload', act: { name: 'reload', by: 'local' } },
    ]);
  });

  test.each([
    ['POST', '/v1/validators/main/unfreeze', {}],
    ['DELETE', '/v1/validators/main/nodes', { address: 'tcp://127.0.0.1:1' }],
    ['POST', '/v1/validators/main/rotation/finish', {}],
  ])('%s %s wants the name of the validator once more', async (method, url, body) => {
    await using rig = new AdminRig();
    for (const payload of [body, { ...body, confirm: 'mian' }]) {
      expectProblem(await rig.ask({ method, url, payload }), 409, 'ERR_CONFIRMATION_REQUIRED');
    }
    expect(rig.operations.calls).toEqual([]);
    expect((await rig.ask({ method, url, payload: { ...body, confirm: 'main' } })).status).toBe(
      200,
    );
  });

  test('needs no body where nothing in it is needed', async () => {
    await using rig = new AdminRig();
    expect((await rig.ask({ method: 'POST', url: '/v1/reload' })).status).toBe(200);
    expect((await rig.ask({ method: 'POST', url: '/v1/validators/main/freeze' })).status).toBe(200);
    const armed = await rig.ask({ method: 'POST', url: '/v1/validators/main/rotation/arm' });
    expectProblem(armed, 400, 'ERR_ADMIN_REQUEST');
  });

  test('is seen in the next status, which otherwise is made once in 50 ms', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock });
    let made = 0;
    const status = rig.operations.status.bind(rig.operations);
    rig.operations.status = () => {
      made += 1;
      return status();
    };
    for (let n = 0; n < 10; n++) await rig.ask({ method: 'GET', url: '/v1/status' });
    expect(made).toBe(1);
    const raise = { floorHeight: '9', confirm: 'main' };
    await rig.ask({ method: 'POST', url: '/v1/validators/main/floor', payload: raise });
    const { json } = await rig.ask({ method: 'GET', url: '/v1/status' });
    expect(json.validators[0].floor.height).toBe('9');
    await clock.advance(50);
    await rig.ask({ method: 'GET', url: '/v1/status' });
    expect(made).toBe(3);
  });
});

describe('the wait for a verification', () => {
  test('ends by itself, with what is, and at once when it is there', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock, app: { verifyWaitMs: 25_000 } });
    const url = '/v1/validators/main/rotation/verified';
    rig.operations.rotations.set('main', { state: 'switched' });
    const waiting = rig.ask({ method: 'GET', url });
    await clock.untilPending();
    await clock.advance(25_000);
    expect((await waiting).json.state).toBe('switched');
    rig.operations.rotations.verify('main');
    expect((await rig.ask({ method: 'GET', url })).json.state).toBe('verified');
    expect(clock.pending).toBe(0);
  });
});

describe('a request', () => {
  test.each([
    ['HEAD', '/v1/status', 405, 'ERR_ADMIN_METHOD'],
    ['OPTIONS', '/v1/status', 405, 'ERR_ADMIN_METHOD'],
    ['TRACE', '/v1/status', 405, 'ERR_ADMIN_METHOD'],
    ['PUT', '/v1/validators/main/floor', 405, 'ERR_ADMIN_METHOD'],
    ['DELETE', '/v1/validators/main/floor', 405, 'ERR_ADMIN_METHOD'],
    ['GET', '/', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '/v1/../v1/nothing', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '//v1/status', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '/v1/status/', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '/V1/STATUS', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '/v1/%73tatus%2f..', 404, 'ERR_ADMIN_NOT_FOUND'],
    ['GET', '/v1/validators/%zz/floor', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', `/v1/validators/${'a'.repeat(200)}/floor`, 414, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/status?format=xml', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/audit?limit=1&limit=2', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/audit?limit=-1', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/audit?kind=nothing', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/audit?after=99999999999999999999', 400, 'ERR_ADMIN_REQUEST'],
    ['GET', '/v1/validators/main/why/0x10', 400, 'ERR_INVALID_HEIGHT'],
    ['GET', '/docs/../../etc/passwd', 404, 'ERR_ADMIN_NOT_FOUND'],
  ])('%s %s is refused with %i %s', async (method, url, status, code) => {
    await using rig = new AdminRig();
    const answer = await rig.ask({ method, url });
    if (method !== 'HEAD') expectProblem(answer, status, code);
    else expect(answer.status).toBe(status);
    if (status === 405) expect(answer.headers['allow']).toMatch(/GET|POST/);
  });

  test.each([
    ['that is no JSON', '{', 'application/json', 400],
    ['with a member named __proto__', '{"__proto__":{"confirm":"main"}}', 'application/json', 400],
    ['with a constructor of its own', '{"constructor":{"prototype":{}}}', 'application/json', 400],
    ['that is empty JSON', '', 'application/json', 400],
    ['that is a list', '[]', 'application/json', 400],
    ['that is null', 'null', 'application/json', 200],
    ['of another kind', 'confirm=main', 'application/x-www-form-urlencoded', 415],
    ['that is plain text', '{}', 'text/plain', 415],
    ['that is XML', '<a/>', 'application/xml', 415],
  ])('with a body %s is refused', async (_what, payload, type, status) => {
    await using rig = new AdminRig();
    const url = '/v1/validators/main/rotation/abort';
    const answer = await rig.ask({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': type },
    });
    if (status === 200) expect(answer.status).toBe(200);
    else expectProblem(answer, status, 'ERR_ADMIN_REQUEST');
  });

  test('that only reads has no body', async () => {
    await using rig = new AdminRig();
    const answer = await rig.ask({ method: 'GET', url: '/v1/status', payload: { a: 1 } });
    expectProblem(answer, 400, 'ERR_ADMIN_REQUEST');
    expect(answer.headers['connection']).toBe('close');
  });

  test('with a body over the limit is refused', async () => {
    await using rig = new AdminRig();
    const payload = { reason: 'x'.repeat(MAX_BODY_BYTES) };
    const answer = await rig.ask({ method: 'POST', url: '/v1/validators/main/freeze', payload });
    expectProblem(answer, 413, 'ERR_ADMIN_REQUEST');
  });

  test('is answered without anything that lets another site read it', async () => {
    await using rig = new AdminRig();
    const { headers } = await rig.ask({
      method: 'GET',
      url: '/v1/status',
      headers: { origin: 'https://example.org' },
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });
});

describe('a caller', () => {
  test('with a token on the socket is who the token says, not the operator of the socket', async () => {
    await using rig = new AdminRig();
    const url = '/v1/validators/main/freeze';
    expectProblem(await rig.ask({ method: 'POST', url, as: 'vera' }), 403, 'ERR_ADMIN_FORBIDDEN');
    expectProblem(
      await rig.ask({ method: 'POST', url, as: 'nobody' }),
      401,
      'ERR_ADMIN_UNAUTHENTICATED',
    );
    for (const authorization of ['Basic bG9jYWw6', 'Bearer', 'Bearer local', 'bearer x']) {
      const answer = await rig.ask({ method: 'POST', url, headers: { authorization } });
      expectProblem(answer, 401, 'ERR_ADMIN_UNAUTHENTICATED');
    }
    expect(rig.operations.calls).toEqual([]);
  });

  test('is held to so many acts a second, each on its own, and told when to come again', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock });
    const act = (as: string) => rig.ask({ method: 'POST', url: '/v1/reload', as });
    for (let n = 0; n < 20; n++) expect((await act('oscar')).status).toBe(200);
    const refused = await act('oscar');
    expectProblem(refused, 429, 'ERR_ADMIN_RATE');
    expect(refused.headers['retry-after']).toBe('1');
    expect((await act('olga')).status).toBe(200);
    await clock.advance(200);
    expect((await act('oscar')).status).toBe(200);
    expect(rig.operations.audit.added).toMatchObject([
      { source: 'admin socket', what: 'limited', code: 'ERR_ADMIN_RATE', text: 'reload' },
    ]);
  });

  test('that nobody knows is held to a few tries, and each is added up without a word of its own', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock });
    const codes: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { json } = await rig.ask({ method: 'GET', url: '/v1/status', as: `stranger-${n}` });
      codes.push(json.code);
    }
    expect(codes.slice(9)).toEqual([
      'ERR_ADMIN_UNAUTHENTICATED',
      'ERR_ADMIN_RATE',
      'ERR_ADMIN_RATE',
    ]);
    expect(JSON.stringify(rig.operations.audit.added)).not.toContain('stranger');
    // Who can prove it is let in from the same address all the same.
    expect((await rig.ask({ method: 'GET', url: '/v1/status', as: 'vera' })).status).toBe(200);
  });
});

describe('a scanner', () => {
  test('finds no answer of 500, and nothing is done', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock });
    const segments = [
      'v1',
      'validators',
      'main',
      'floor',
      'nodes',
      'rotation',
      'audit',
      'live',
      'docs',
      'json',
      'static',
      '..',
      '.',
      '%00',
      '%2e%2e',
      '%c0%ae',
      '%zz',
      '"',
      "'",
      '<x>',
      '{{7*7}}',
      '-1',
      '\u{1f600}',
      '',
    ];
    const values = fc.oneof(
      fc.constantFrom(null, true, -1, 1e308, '', 'main', '9', '\u0000', '../x', [], {}),
      fc.string(),
      fc.jsonValue({ maxDepth: 4 }),
    );
    const members = [
      'confirm',
      'approval',
      'floorHeight',
      'stateFile',
      'address',
      'rpc',
      'height',
      'key',
      'kind',
      'format',
      'atHeight',
      'oldKey',
      'hash',
      'reason',
    ];
    const path = fc.oneof(
      fc.constantFrom(...ADMIN_ROUTES.map((route) => goodRequest(route).url)),
      fc
        .array(fc.constantFrom(...segments), { maxLength: 6 })
        .map((parts) => `/${parts.join('/')}`),
    );
    const body = fc.oneof(
      fc.dictionary(fc.constantFrom(...members), values).map((value) => JSON.stringify(value)),
      fc.jsonValue({ maxDepth: 6 }).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'HEAD'),
      url: fc
        .tuple(
          path,
          fc.oneof(
            fc.constant(''),
            fc.string().map((text) => `?${encodeURIComponent(text)}=%zz`),
          ),
        )
        .map(([a, b]) => a + b),
      payload: body,
      type: fc.constantFrom(
        'application/json',
        'text/plain',
        'application/json; charset=utf-16',
        'x',
      ),
      as: fc.constantFrom('vera', 'ada', 'nobody'),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, url, payload, type, as }) => {
        await clock.advance(1_000);
        const answer = await rig.ask({
          method,
          url: encodeURI(url),
          payload,
          as,
          headers: { 'content-type': type },
        });
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400 && method !== 'HEAD') {
          expect(answer.json.code).toMatch(/^ERR_[A-Z_]+$/);
        }
      }),
      { numRuns: 1_500 },
    );
    expect(rig.operations.calls).toEqual([]);
  });

  test('that is an operator finds no answer of 500 either', async () => {
    const clock = new ManualClock();
    await using rig = new AdminRig({ clock });
    const values = fc.oneof(
      fc.constantFrom(
        null,
        true,
        -1,
        1e308,
        '',
        'main',
        '9',
        '\u0000',
        '../x',
        '9'.repeat(19),
        'ab'.repeat(32),
      ),
      fc.jsonValue({ maxDepth: 3 }),
    );
    for (const [, route] of ROUTES.filter(([, { method }]) => method !== 'GET')) {
      const good = goodRequest(route);
      const schema = ADMIN_SCHEMAS.routes[route.name as keyof typeof ADMIN_SCHEMAS.routes].body;
      const members = Object.keys((schema?.['properties'] ?? { none: {} }) as object);
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.constantFrom(...members), values), async (wild) => {
          await clock.advance(1_000);
          const answer = await rig.ask({
            ...good,
            payload: { ...(good.payload as object), ...wild },
          });
          expect(answer.status).toBeLessThan(500);
        }),
        { numRuns: 40 },
      );
    }
  });
});

import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { systemClock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { parseChainId } from '@privval/proto/types/chain-id';
import { startPublicServer } from '@privval/signer/http-public/public-server';
import { METRICS } from '@privval/signer/metrics/metric';
import { SignerMetrics } from '@privval/signer/metrics/signer-metrics';
import { LiveStatusFeed } from '@privval/signer/page/live-status-feed';
import type { DecisionOutcome } from '@privval/signer/priv-validator/decision-outcome';
import type { SignerStatus } from '@privval/signer/signer-status';
import { describe, expect, test } from 'vitest';
import { FakeOperations } from '../../harness/fake-operations.ts';

const NODE = { address: 'tcp://aa@10.0.0.5:26659', state: 'serving' } as const;
const LOOPBACK = { listen: { host: '127.0.0.1', port: 0 }, isPublic: false, version: '1.2.3' };
const ACT = { name: 'validator.freeze', by: 'local' };

/** A signer whose validator signs for one node. */
function signing(state: 'serving' | 'backing-off' = 'serving'): FakeOperations {
  const floor = { height: 5n, round: 1, step: 'prevote' } as const;
  const status: SignerStatus = {
    startedAtMs: 0,
    validators: [
      {
        name: 'main',
        chainId: parseChainId('chain-1'),
        publicKey: new Uint8Array(32).fill(9),
        fault: undefined,
        providers: [
          {
            name: 'file /secret/place/key.json',
            state: 'in-service',
            isActive: true,
            fault: undefined,
            sinceMs: 0,
          },
        ],
        floor,
        nodes: [
          {
            ...NODE,
            state,
            remote: undefined,
            peerId: undefined,
            dialect: 'v0.34',
            connectedSinceMs: 0,
            requests: 1,
            attempts: 1,
            failures: 0,
            lastError: undefined,
          } as never,
        ],
        grpc: undefined,
      },
    ],
  };
  return new FakeOperations({ status: () => status });
}

async function serving(operations = signing(), probe = async () => {}) {
  const clock = systemClock;
  const metrics = new SignerMetrics({ clock }, { version: '1.2.3' });
  const feed = new LiveStatusFeed({ operations: () => operations, clock }, { version: '1.2.3' });
  const deps = { operations, metrics, feed, logger: silentLogger, clock, probe };
  const server = await startPublicServer(deps, LOOPBACK);
  return { server, metrics, feed };
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function ask(port: number, { path, method = 'GET', headers = {}, body }: Asked) {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode as number, headers: response.headers, text };
}

function outcome(change: Partial<DecisionOutcome> = {}): DecisionOutcome {
  return {
    validator: 'main',
    chainId: 'chain-1',
    asker: NODE.address,
    at: { height: 6n, round: 0, step: 'precommit' },
    outcome: 'signed',
    code: undefined,
    text: undefined,
    stages: { signMs: 0.2 },
    totalMs: 0.5,
    endedAtMs: 0,
    ...change,
  };
}

describe('the public listener', () => {
  test.each([
    ['GET and HEAD of its paths', { path: '/healthz' }, 200],
    ['a HEAD of the metrics', { path: '/metrics', method: 'HEAD' }, 200],
    ['a HEAD of the event stream', { path: '/events', method: 'HEAD' }, 200],
    ['another path', { path: '/v1/status' }, 404],
    ['a path with a query', { path: '/metrics?x=1' }, 404],
    ['a path that climbs', { path: '/../etc/passwd' }, 404],
    ['an encoded path', { path: '/%6detrics' }, 404],
    ['a POST', { path: '/', method: 'POST', body: 'x' }, 405],
    ['OPTIONS', { path: '/', method: 'OPTIONS' }, 405],
    ['TRACE', { path: '/healthz', method: 'TRACE' }, 405],
    ['a body', { path: '/', body: 'x', headers: { 'content-length': '1' } }, 400],
    ['a name that is not its own', { path: '/', headers: { host: 'evil.example' } }, 421],
    ['an address that is not its own', { path: '/', headers: { host: '10.0.0.1:80' } }, 421],
    ['localhost', { path: '/', headers: { host: 'localhost:9' } }, 200],
  ] as const)('answers %s as it must', async (_title, asked, status) => {
    const { server } = await serving();
    await using _ = server;
    expect((await ask(server.port, asked)).status).toBe(status);
  });

  test('refuses a request without a host, or with two', async () => {
    const { server } = await serving();
    await using _ = server;
    for (const hosts of ['', 'host: localhost\r\nhost: evil.example\r\n']) {
      const socket = connect(server.port, '127.0.0.1');
      socket.end(`GET /healthz HTTP/1.1\r\n${hosts}\r\n`);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  test('listens beyond this machine only where that is meant', async () => {
    const options = { ...LOOPBACK, listen: { host: '0.0.0.0', port: 0 } };
    const operations = signing();
    const clock = systemClock;
    const metrics = new SignerMetrics({ clock }, options);
    const deps = { operations, metrics, feed: operations.feed, logger: silentLogger, clock };
    const code = await startPublicServer(deps, options).then(() => 'up', errorCode);
    expect(code).toBe('ERR_HTTP_PUBLIC_ADDRESS');
    await using server = await startPublicServer(deps, { ...options, isPublic: true });
    expect((await ask(server.port, { path: '/readyz' })).status).toBe(200);
    const named = { path: '/readyz', headers: { host: 'evil.example' } };
    expect((await ask(server.port, named)).status).toBe(421);
  });

  test('says which address is taken', async () => {
    const { server } = await serving();
    await using _ = server;
    const listen = { host: '127.0.0.1', port: server.port };
    const clock = systemClock;
    const operations = signing();
    using metrics = new SignerMetrics({ clock }, LOOPBACK);
    const deps = { operations, metrics, feed: operations.feed, logger: silentLogger, clock };
    const code = await startPublicServer(deps, { ...LOOPBACK, listen }).then(() => 'up', errorCode);
    expect(code).toBe('ERR_HTTP_LISTEN');
  });

  test('is healthy while the disk of the floor takes something, and only then', async () => {
    const full = async (): Promise<void> => Promise.reject(new Error('ENOSPC'));
    for (const [probe, status] of [
      [async () => {}, 200],
      [full, 503],
    ] as const) {
      const { server } = await serving(signing(), probe);
      await using _ = server;
      expect((await ask(server.port, { path: '/healthz' })).status).toBe(status);
      const { text } = await ask(server.port, { path: '/metrics' });
      expect(text).toContain(`privval_store_writable ${status === 200 ? 1 : 0}\n`);
    }
  });

  test('is ready with a node that asks and a key, and neither frozen nor held', async () => {
    const ready = signing();
    const frozen = signing();
    await frozen.controls.freeze('main', 'a test', ACT);
    const held = signing();
    held.rotations.set('main', { state: 'held' });
    for (const [operations, reasons] of [
      [ready, []],
      [signing('backing-off'), ['no-node']],
      [frozen, ['frozen']],
      [held, ['held']],
    ] as const) {
      const { server } = await serving(operations);
      await using _ = server;
      const { status, text } = await ask(server.port, { path: '/readyz' });
      expect(status).toBe(reasons.length === 0 ? 200 : 503);
      expect(JSON.parse(text).validators).toEqual({ main: reasons });
    }
  });

  test('tells every metric of the table, and no other', async () => {
    const { server, metrics } = await serving();
    await using _ = server;
    metrics.observer(outcome());
    const { text } = await ask(server.port, { path: '/metrics' });
    const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(told).toEqual(METRICS.map(({ name, type }) => [name, type]));
    expect(text).toContain(
      'privval_decisions_total{validator="main",chain="chain-1",type="precommit",outcome="signed"} 1',
    );
    expect(text).toContain('privval_sign_seconds_count{type="precommit",stage="total"} 1');
    expect(text).toContain('privval_last_signed_height{validator="main",chain="chain-1"} 6');
    expect(text).toContain('node="10.0.0.5:26659"');
    expect(text).not.toMatch(/secret/);
  });

  test('the page allows its own script and style, and nothing from elsewhere', async () => {
    const { server } = await serving();
    await using _ = server;
    const { text, headers } = await ask(server.port, { path: '/' });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'; connect-src 'self'/,
    );
    expect(text.length).toBeLessThan(40 * 1024);
    expect(text).not.toMatch(/(src|href)="(?!data:,)/);
  });

  test('streams a picture first, then what changes; sixteen readers at most', async () => {
    const { server, metrics, feed } = await serving();
    await using _ = server;
    void metrics;
    const open = [];
    for (let reader = 0; reader < 16; reader++) {
      const sent = request({ host: '127.0.0.1', port: server.port, path: '/events', agent: false });
      sent.end();
      const [response] = await once(sent, 'response');
      open.push({ sent, response });
    }
    const [first] = open;
    let text = '';
    for await (const chunk of first?.response ?? []) {
      text += String(chunk);
      if (text.includes('event: picture') && text.endsWith('\n\n')) {
        feed.observer(outcome({ at: { height: 7n, round: 0, step: 'precommit' } }));
      }
      if (text.includes('event: validator') && text.endsWith('\n\n')) break;
    }
    expect(text.indexOf('event: picture')).toBeLessThan(text.indexOf('event: validator'));
    expect(text).toContain('{"height":"7","state":"asked"}');
    expect(text).not.toMatch(/secret/);
    // The first one left the loop above, and its place is free again once the server has seen that.
    for (const { sent } of open.slice(1)) sent.destroy();
  });

  test('the seventeenth reader is turned away', async () => {
    const { server } = await serving();
    await using _ = server;
    const open = [];
    for (let reader = 0; reader < 16; reader++) {
      const sent = request({ host: '127.0.0.1', port: server.port, path: '/events', agent: false });
      sent.end();
      await once(sent, 'response');
      open.push(sent);
    }
    expect((await ask(server.port, { path: '/events' })).status).toBe(503);
    expect((await ask(server.port, { path: '/healthz' })).status).toBe(200);
    for (const sent of open) sent.destroy();
  });
});

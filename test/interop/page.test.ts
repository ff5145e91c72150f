/** The status page in a real browser: Debian's Chromium, without a screen. Pictures go to test-output/. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { startPublicServer } from '@privval/signer/http-public/public-server';
import { SignerMetrics } from '@privval/signer/metrics/signer-metrics';
import { LiveStatusFeed } from '@privval/signer/page/live-status-feed';
import type { DecisionOutcome } from '@privval/signer/priv-validator/decision-outcome';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeOperations } from '../harness/fake-operations.ts';

const PICTURES = join(import.meta.dirname, '../../test-output');

let browser: Browser;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  // Its sandbox does not work for root, which CI is.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
});

afterAll(async () => {
  await browser.close();
});

/** Two validators that have signed 60 heights, a few of them refused. */
async function signer(port = 0) {
  const clock = systemClock;
  const operations = new FakeOperations({ validators: ['main', 'other'] });
  const metrics = new SignerMetrics({ clock }, { version: '1.2.3' });
  const feed = new LiveStatusFeed({ operations: () => operations, clock }, { version: '1.2.3' });
  for (let height = 6; height <= 70; height++) feed.observer(outcome(height));
  const deps = { operations, metrics, feed, logger: silentLogger, clock, probe: async () => {} };
  const listen = { host: '127.0.0.1', port };
  const server = await startPublicServer(deps, { listen, isPublic: false, version: '1.2.3' });
  return { server, feed, operations };
}

function outcome(height: number): DecisionOutcome {
  return {
    validator: 'main',
    chainId: 'chain-1',
    asker: 'tcp://10.0.0.5:26659',
    at: { height: BigInt(height), round: 0, step: 'precommit' },
    outcome: height % 20 === 0 ? 'refused' : 'signed',
    code: undefined,
    text: undefined,
    stages: {},
    totalMs: 0.4 + (height % 7) / 10,
    endedAtMs: 0,
  };
}

/** A page that has had its first picture; complaints of the browser fail the test. */
async function opened(port: number, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (asked) =>
    requests.push(new URL(asked.url()).protocol + new URL(asked.url()).host),
  );
  await page.goto(`http://127.0.0.1:${port}/`);
  await untilLive(page);
  return { context, page, complaints, requests };
}

async function untilLive(page: Page): Promise<void> {
  await page.locator('#live', { hasText: /^live$/ }).waitFor();
}

describe('the status page in Chromium', () => {
  test('shows the validators, loads nothing from elsewhere, and breaks no policy of its own', async () => {
    const { server } = await signer();
    await using _ = server;
    const { context, page, complaints, requests } = await opened(server.port);
    expect(await page.locator('article').count()).toBe(2);
    expect(await page.locator('article').first().locator('.strip li').count()).toBe(60);
    expect(await page.locator('.strip li.refused').count()).toBe(3);
    expect(await page.locator('svg[role="img"]').getAttribute('aria-label')).toMatch(/µs now/);
    await page.screenshot({ path: join(PICTURES, 'page-light.png'), fullPage: true });
    expect(complaints).toEqual([]);
    const own = `http:127.0.0.1:${server.port}`;
    expect(requests.filter((origin) => origin !== own && !origin.startsWith('data:'))).toEqual([]);
    await context.close();
  });

  test('follows what happens without being loaded again', async () => {
    const { server, feed, operations } = await signer();
    await using _ = server;
    const { context, page } = await opened(server.port);
    feed.observer(outcome(71));
    await page.locator('.strip li[data-height="71"]').waitFor({ state: 'attached' });
    await operations.controls.freeze('main', 'a test', { name: 'validator.freeze', by: 'local' });
    await page.locator('#alarms', { hasText: 'main: frozen (operator)' }).waitFor();
    await page.screenshot({ path: join(PICTURES, 'page-alarm.png'), fullPage: true });
    await context.close();
  });

  test('fits a phone, in the dark', async () => {
    const { server } = await signer();
    await using _ = server;
    const options = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;
    const { context, page } = await opened(server.port, options);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    const shade = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    expect(shade).toBe('rgb(16, 19, 23)');
    await page.screenshot({ path: join(PICTURES, 'page-phone-dark.png'), fullPage: true });
    await context.close();
  });

  test('is walked by keyboard: one stop a strip, arrows along it, and the focus stays with its height', async () => {
    const { server, feed } = await signer();
    await using _ = server;
    const { context, page } = await opened(server.port);
    const focused = 'document.activeElement.dataset.height';
    await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).toBe('70');
    await page.keyboard.press('ArrowLeft');
    expect(await page.evaluate(focused)).toBe('69');
    expect(await page.locator('.chosen').first().textContent()).toBe('height 69: signed here');
    feed.observer(outcome(71));
    await page.locator('.strip li[data-height="71"]').waitFor({ state: 'attached' });
    expect(await page.evaluate(focused)).toBe('69');
    await page.keyboard.press('Home');
    expect(await page.evaluate(focused)).toBe('12');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest(".strip").ariaLabel')).toMatch(
      /other/,
    );
    await context.close();
  });

  test('says when the signer is gone, and is live again with the next one', async () => {
    const first = await signer();
    const { port } = first.server;
    const { context, page } = await opened(port);
    await first.server[Symbol.asyncDispose]();
    await page.locator('#live', { hasText: 'not connected' }).waitFor();
    const second = await signer(port);
    await using _ = second.server;
    await untilLive(page);
    await context.close();
  });
});

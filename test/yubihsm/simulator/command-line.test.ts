/** `npm run yubihsm-sim`, as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { hex } from '../channel/vectors.ts';
import { post, turn } from './http-exchange.ts';

const MAIN = join(import.meta.dirname, '../../harness/yubihsm-sim/main.ts');

function run(...flags: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Its first line, which it prints when it is ready. */
async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output');
  const [line] = await once(createInterface(child.stdout), 'line');
  return line;
}

/** Exit code and standard error of a process that ends by itself. */
async function ending(child: ChildProcess): Promise<{ code: number; text: string }> {
  let text = '';
  child.stderr?.on('data', (chunk: Uint8Array) => {
    text += new TextDecoder().decode(chunk);
  });
  const [code] = await once(child, 'close');
  return { code, text };
}

describe('the command', () => {
  test('prints its URL when it is ready, serves, and ends with 0 on SIGTERM', async () => {
    const child = run('--port', '0', '--serial', '42', '--firmware', '2.3.1');
    const closed = once(child, 'close');
    const url = await firstLine(child);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const info = (await post(url, hex('060000'))).body.toHex();
    expect(info.slice(6, 20)).toBe('0203010000002a');
    expect(await turn(url, 'stall?ms=600000')).toBe(200);
    const held = post(url, hex('010000'));
    child.kill('SIGTERM');
    await expect(held).rejects.toThrow();
    expect(await closed).toEqual([0, null]);
  });

  test.each([
    ['an unknown flag', ['--prot', '1'], /^yubihsm-sim: Unknown option '--prot'/],
    ['a port that is none', ['--port', '70000'], /--port is a whole number from 0 to 65535/],
    ['a latency that is none', ['--latency-ms', 'slow'], /--latency-ms is a whole number/],
    ['a firmware that is none', ['--firmware', '2.4'], /--firmware is three numbers/],
    ['an argument', ['12345'], /^yubihsm-sim: Unexpected argument '12345'/],
  ])('ends with 2 and one line for %s', async (_what, flags, text) => {
    const result = await ending(run(...flags));
    expect(result.code).toBe(2);
    expect(result.text).toMatch(text);
    expect(result.text.trimEnd().split('\n')).toHaveLength(1);
  });

  test('ends with 1 and one line when the port is taken', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const result = await ending(run('--port', String(port)));
    other.close();
    expect([result.code, result.text]).toEqual([
      1,
      'yubihsm-sim: the port is in use; choose another --port\n',
    ]);
  });
});

import { openDemoDisplay } from '@privval/node-client/cli/demo-screen';
import { DemoProgress } from '@privval/node-client/cli/demo-validator';
import {
  type DemoStatus,
  demoLine,
  demoScreen,
  farewell,
} from '@privval/node-client/cli/demo-view';
import { LatencySamples } from '@privval/node-client/cli/latency-samples';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

function newStatus(changes: Partial<DemoProgress> = {}): DemoStatus {
  const progress = Object.assign(new DemoProgress(), {
    height: 128n,
    signed: 384,
    startedMs: 0,
    doubleSignAttempts: 13,
    doubleSignRefusals: 13,
    ...changes,
  });
  progress.latency.precommit.add(0.61);
  return {
    chainId: 'demo',
    elapsedMs: 25_600,
    floor: '128/0/precommit',
    connected: true,
    over: false,
    progress,
  };
}

test('percentiles are those of the samples, by nearest rank', () => {
  const samples = new LatencySamples();
  expect(samples.summary()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
  for (let ms = 1000; ms >= 1; ms--) samples.add(ms);
  expect(samples.summary()).toEqual({ p50Ms: 500, p99Ms: 990, maxMs: 1000 });
});

test('samples beyond the last 10,000 are forgotten', () => {
  const samples = new LatencySamples();
  samples.add(1_000_000);
  for (let count = 0; count < 10_000; count++) samples.add(1);
  expect(samples.summary().maxMs).toBe(1);
});

describe('what is said', () => {
  test('the screen shows heights, signatures, refusals, floor and latency within 80 columns', () => {
    const lines = demoScreen(newStatus());
    const text = lines.join('\n');
    for (const part of [
      '128',
      '5.0 per second, 25 s',
      '384',
      '13 of 13',
      '128/0/precommit',
      '0.61',
    ]) {
      expect(text).toContain(part);
    }
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('a line says the same', () => {
    expect(demoLine(newStatus())).toBe(
      'height 128 · signed 384 · second blocks refused 13 of 13 · floor 128/0/precommit · precommit p50 0.61 ms p99 0.61 ms',
    );
  });

  test('what is wrong is said where it is seen', () => {
    const refusal = { kind: 'refused', reason: 'remote', code: 'ERR_X', text: 'too late' } as const;
    const refused = newStatus({ refused: 2, lastRefusal: refusal });
    expect(demoScreen(refused).join('\n')).toContain(
      '2 messages were not signed; the last: too late',
    );
    expect(demoLine({ ...newStatus(), connected: false })).toContain('waiting for the signer');
    const before = newStatus({ startedMs: undefined });
    expect(demoLine({ ...before, connected: false })).toBe('waiting for the signer to connect');
  });

  test('the farewell tells where things are, or that they are gone', () => {
    const places = { folder: '/f', home: '/f/home', logFile: '/f/signer.log' };
    const progress = new DemoProgress();
    expect(farewell(progress, { ...places, keep: true })).toContain('state show --home /f/home');
    expect(farewell(progress, { ...places, keep: false })).toContain('Removed /f');
  });
});

describe('where it is shown', () => {
  /** Collects what is written. */
  function newOutput(terminal?: { columns: number; rows: number }) {
    const written: string[] = [];
    const write = (text: string | Uint8Array): boolean => {
      written.push(String(text));
      return true;
    };
    return { written, write, ...(terminal === undefined ? {} : { isTTY: true, ...terminal }) };
  }

  test('into a pipe goes one line a second, without a control character', async () => {
    const output = newOutput();
    const clock: ManualClock = new ManualClock();
    using display = openDemoDisplay({ output, clock });
    for (const height of [1n, 2n, 3n]) {
      display.show(newStatus({ height }));
      await clock.advance(600);
    }
    display.show(newStatus({ height: 4n }), true);
    expect(output.written.map((line) => line.slice(0, 8))).toEqual([
      'height 1',
      'height 3',
      'height 4',
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(output.written.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('on a terminal it is drawn over itself, and the cursor comes back', () => {
    const output = newOutput({ columns: 80, rows: 24 });
    const display = openDemoDisplay({ output, clock: new ManualClock() });
    display.show(newStatus());
    display.show(newStatus());
    const rows = demoScreen(newStatus()).length;
    expect(output.written[2]).toMatch(new RegExp(`^\\u001b\\[${rows}A\\r\\u001b\\[J`));
    display[Symbol.dispose]();
    expect(output.written.at(-1)).toBe('\u001b[?25h');
  });

  test('on a narrow terminal lines are cut, since a wrapped one would be drawn over wrongly', () => {
    const output = newOutput({ columns: 30, rows: 24 });
    using display = openDemoDisplay({ output, clock: new ManualClock() });
    display.show(newStatus());
    const lines = (output.written[1] ?? '').replace('\r\u001b[J', '').split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(30);
    expect(lines[0]).toMatch(/…$/);
  });

  test('on a terminal made narrower the rows its lines have wrapped to are cleared too', () => {
    const output = newOutput({ columns: 80, rows: 40 });
    using display = openDemoDisplay({ output, clock: new ManualClock() });
    display.show(newStatus());
    output.columns = 40;
    display.show(newStatus());
    const wrapped = demoScreen(newStatus()).reduce(
      (rows, line) => rows + Math.max(1, Math.ceil(line.length / 40)),
      0,
    );
    expect(output.written[2]).toContain(`\u001b[${wrapped}A`);
  });

  test('on a terminal of a few rows there is one line', () => {
    const output = newOutput({ columns: 200, rows: 5 });
    using display = openDemoDisplay({ output, clock: new ManualClock() });
    display.show(newStatus());
    expect(output.written[1]).toBe(`\r\u001b[J${demoLine(newStatus())}\n`);
  });
});

/**
 * `npm run bench:hsm`: what keys in devices cost beyond the devices' own time. Needs SoftHSM2
 * (Debian's `softhsm2`); the YubiHSM 2 is the simulator, in a process of its own.
 *
 * What is published is in docs/benchmarks.md. `--quick` measures a tenth; `--only PART[,PART]` runs
 * some of: yubihsm, pkcs11, queue, fail-over.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Percentiles } from '../histogram.ts';
import { measurePkcs11 } from './measure-pkcs11.ts';
import { type Failure, measureFailOver, measureProtocol, measureQueue } from './measure-yubihsm.ts';

/** What a YubiHSM 2 takes for one Ed25519 signature (spec/benchmarks.md). */
const DEVICE_MS = 115;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const scale = values.quick ? 0.1 : 1;
const parts = values.only?.split(',');
const wanted = (part: string): boolean => parts === undefined || parts.includes(part);
const directory = mkdtempSync(join(tmpdir(), 'privval-bench-hsm-'));

try {
  if (wanted('yubihsm')) await yubihsm();
  if (wanted('pkcs11')) await pkcs11();
  if (wanted('queue')) await queue();
  if (wanted('fail-over')) await failOver();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function head(title: string, unit: string): void {
  print(`\n### ${title}\n\n| ${unit} | p50 | p90 | p99 | p99.9 | max | samples |`);
  print('|---|---|---|---|---|---|---|');
}

function row(name: string, figures: Percentiles, digits: number): void {
  const cells = [figures.p50, figures.p90, figures.p99, figures.p999, figures.max];
  print(
    `| ${name} | ${cells.map((cell) => cell.toFixed(digits)).join(' | ')} | ${figures.count} |`,
  );
}

async function yubihsm(): Promise<void> {
  const { sign, echo, http } = await measureProtocol(directory, Math.ceil(5000 * scale));
  head('YubiHSM 2: protocol cost, a device that takes no time', 'ms');
  row('SignEddsa of 115 bytes', sign, 3);
  row('Echo of 115 bytes in the session', echo, 3);
  row("the connector's status by fetch: HTTP alone", http, 3);
}

async function pkcs11(): Promise<void> {
  const perRound = Math.ceil(2000 * scale);
  const { bare, provided } = await measurePkcs11(directory, { rounds: 5, perRound });
  head('PKCS#11: SoftHSM2, 115 bytes', 'µs');
  row('the module alone (SignInit and Sign)', bare, 0);
  row('through its process', provided, 0);
  print(`\noverhead at p50: ${(provided.p50 - bare.p50).toFixed(0)} µs`);
}

async function queue(): Promise<void> {
  head(`Queueing on one device of ${DEVICE_MS} ms a signature`, 'ms a signature');
  for (const [chains, blockMs] of [
    [1, 1000],
    [4, 1000],
    [8, 2000],
    [8, 1000],
  ] as const) {
    const blocks = Math.ceil(10 * scale);
    const figures = await measureQueue(directory, {
      chains,
      latencyMs: DEVICE_MS,
      blockMs,
      blocks,
    });
    row(`${chains} chains, two signatures each per ${blockMs} ms`, figures, 0);
  }
}

async function failOver(): Promise<void> {
  head(
    `Fail-over between two devices of ${DEVICE_MS} ms: the signature that meets the failure`,
    'ms',
  );
  for (const failure of ['unplugged', 'hanging', 'connector killed'] satisfies Failure[]) {
    const rounds = Math.ceil(10 * scale);
    row(failure, await measureFailOver(directory, { failure, rounds, latencyMs: DEVICE_MS }), 0);
  }
}

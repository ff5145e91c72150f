/**
 * `npm run bench:signer`: our signer beside tmkms and CometBFT's own, under one driver, in one run.
 *
 * Figures are medians of alternating rounds; compare them within a run only. What is published is
 * in docs/benchmarks.md. `--quick` measures a tenth (to see that it works); `--only PART[,PART]`
 * runs some of: limits, mix, paced, unix, kinds, load, start.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, type Percentiles } from '../histogram.ts';
import { measureEchoWithSync, measureSignature, measureSync } from './bare-limits.ts';
import {
  measureKinds,
  measureMix,
  measureStart,
  measureThroughput,
  medianOfRounds,
  stagesFromLog,
} from './measure.ts';
import { culprits } from './slowest.ts';
import type { SubjectName } from './subjects.ts';
import type { MessageKind } from './workload.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    dir: { type: 'string' },
  },
});
const scale = values.quick ? 0.1 : 1;
const parts = values.only?.split(',');
const wanted = (part: string): boolean => parts === undefined || parts.includes(part);
const directory = mkdtempSync(join(values.dir ?? tmpdir(), 'privval-bench-'));
const SUBJECTS: readonly SubjectName[] = ['privval', 'tmkms', 'filepv'];

try {
  if (wanted('limits')) await limits();
  if (wanted('mix')) await mix('tcp', 0);
  if (wanted('unix')) await mix('unix', 0);
  if (wanted('paced')) await mix('tcp', 5);
  if (wanted('kinds')) await kinds();
  if (wanted('load')) await load();
  if (wanted('start')) await start();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function row(name: string, figures: Percentiles, digits = 0): void {
  const cells = [figures.p50, figures.p90, figures.p99, figures.p999, figures.max];
  print(
    `| ${name} | ${cells.map((cell) => cell.toFixed(digits)).join(' | ')} | ${figures.count} |`,
  );
}

function head(title: string, unit: string): void {
  print(`\n### ${title}\n\n| ${unit} | p50 | p90 | p99 | p99.9 | max | samples |`);
  print('|---|---|---|---|---|---|---|');
}

async function limits(): Promise<void> {
  const count = Math.ceil(4000 * scale);
  head('Bare limits', 'µs');
  row('fdatasync of a preallocated file', measureSync(directory, count));
  row('the same behind a TCP echo', await measureEchoWithSync(directory, { count, pauseMs: 0 }));
  const paced = { count: Math.ceil(count / 4), pauseMs: 5 };
  row('the same, 5 ms between two', await measureEchoWithSync(directory, paced));
  row('libsodium signature', measureSignature(count));
}

async function mix(transport: 'tcp' | 'unix', pauseMs: number): Promise<void> {
  // tmkms reads and writes Unix sockets as well, but without deadlines; it is measured alike.
  const rounds = await measureMix(SUBJECTS, directory, {
    transport,
    rounds: 5,
    requestsPerRound: Math.ceil((pauseMs > 0 ? 600 : 3000) * scale),
    pauseMs,
  });
  const pace = pauseMs > 0 ? `${pauseMs} ms between requests` : 'back to back';
  head(`Proposal, prevote, precommit over ${transport}, ${pace} (medians of 5 rounds)`, 'µs');
  for (const name of SUBJECTS) row(name, medianOfRounds(rounds, name));
  const own = medianOfRounds(rounds, 'privval');
  for (const peer of SUBJECTS.slice(1)) {
    print(`p50 privval / ${peer}: ${(own.p50 / medianOfRounds(rounds, peer).p50).toFixed(2)}`);
  }
  print(`p99.9 / p50 privval: ${(own.p999 / own.p50).toFixed(1)}`);
  if (transport === 'tcp' && pauseMs === 0) {
    head('Stages inside privval (its decision lines, whole run)', 'ms');
    const log = join(directory, `mix-${transport}-${pauseMs}-privval`, 'log');
    for (const [stage, figures] of stagesFromLog(log)) row(stage, figures, 3);
    const asked = rounds.filter(({ name }) => name === 'privval').flatMap((r) => r.requests);
    for (const share of [0.01, 0.001]) {
      print(`\nwhere the slowest ${share * 100} % spent most of their time:`);
      for (const { place, count, medianMs } of culprits(asked, log, share)) {
        print(`${place}: ${count} (${medianMs.toFixed(1)} ms there at the median)`);
      }
    }
  }
}

async function kinds(): Promise<void> {
  const small: readonly MessageKind[] = [
    'proposal',
    'prevote',
    'precommit nil',
    'precommit',
    'precommit + ext 1 KiB',
  ];
  const large: readonly MessageKind[] = ['precommit + ext 100 KiB', 'precommit + ext 1 MiB'];
  const requests = Math.ceil(3000 * scale);
  head('By message type over tcp', 'µs');
  for (const name of SUBJECTS) {
    // Only ours reads requests over 10 KiB on this dialect.
    const all = name === 'privval' ? [...small, ...large] : small;
    const figures = await measureKinds(name, directory, all, requests);
    for (const [kind, percentile] of figures) row(`${name}: ${kind}`, percentile);
  }
}

async function load(): Promise<void> {
  print('\n### Chains, one request in flight each, over tcp (medians of 3 rounds)\n');
  print('| chains | signer | signatures/s | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|');
  for (const chains of [1, 8, 64]) {
    const results = new Map<
      SubjectName,
      { perSecond: number[]; p50: number[]; p99: number[]; max: number[] }
    >();
    for (let round = 0; round < (values.quick ? 1 : 3); round++) {
      for (const name of SUBJECTS) {
        const place = join(directory, `round-${round}`);
        const result = await measureThroughput(name, place, { chains, durationMs: 8000 * scale });
        const list = results.get(name) ?? { perSecond: [], p50: [], p99: [], max: [] };
        list.perSecond.push(result.perSecond);
        list.p50.push(result.latency.p50);
        list.p99.push(result.latency.p99);
        list.max.push(result.latency.max);
        results.set(name, list);
      }
    }
    for (const [name, { perSecond, p50, p99, max }] of results) {
      print(
        `| ${chains} | ${name} | ${median(perSecond).toFixed(0)} | ${median(p50).toFixed(2)} | ${median(p99).toFixed(2)} | ${Math.max(...max).toFixed(1)} |`,
      );
    }
  }
}

async function start(): Promise<void> {
  print('\n### Start and memory (unencrypted key)\n');
  print('| signer | start to first signature, ms | steady RSS, MiB |\n|---|---|---|');
  for (const name of SUBJECTS) {
    const first: number[] = [];
    const rss: number[] = [];
    for (let round = 0; round < 5; round++) {
      const result = await measureStart(name, join(directory, `${round}`), Math.ceil(6000 * scale));
      first.push(result.firstSignatureMs);
      rss.push(result.steadyRssMiB);
    }
    print(
      `| ${name} | ${median(first).toFixed(0)} (of 5: ${first.map((ms) => ms.toFixed(0)).join(', ')}) | ${median(rss).toFixed(0)} |`,
    );
  }
}

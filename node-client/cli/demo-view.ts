/** What the demo says about itself: text out of numbers, and nothing else. */
import type { LatencySummary } from './latency-samples.ts';

/** Everything the demo shows, at one moment. */
export interface DemoStatus {
  readonly chainId: string;
  readonly elapsedMs: number;
  readonly height: bigint;
  readonly signed: number;
  readonly refused: number;
  /** What the signer said when it last refused what it should have signed. */
  readonly lastRefusal: string | undefined;
  readonly doubleSignAttempts: number;
  readonly doubleSignRefusals: number;
  /** The signer's floor, from the signer itself: `height/round/step`; `undefined` before it was first asked. */
  readonly floor: string | undefined;
  /** Whether a signer is connected right now. */
  readonly connected: boolean;
  readonly latency: Readonly<Record<'proposal' | 'prevote' | 'precommit', LatencySummary>>;
}

/** The screen of a terminal, as lines without a width limit. */
export function demoScreen(status: DemoStatus): readonly string[] {
  const rate = status.elapsedMs > 0 ? (Number(status.height) * 1_000) / status.elapsedMs : 0;
  const seconds = Math.floor(status.elapsedMs / 1_000);
  const lines = [
    `privval demo: a signer and a scripted validator on chain ${status.chainId}`,
    '',
    `  height     ${status.height}  (${rate.toFixed(1)} per second, ${seconds} s)`,
    `  signed     ${status.signed}  (proposals, prevotes, precommits; every signature verified)`,
    `  refused    ${status.doubleSignRefusals} of ${status.doubleSignAttempts} requests to sign a second block at one height`,
    `  floor      ${status.floor ?? 'asking the signer'}  (nothing at or below is signed anew)`,
    '',
    '  latency         p50        p99        max',
  ];
  for (const [type, summary] of Object.entries(status.latency)) {
    const numbers = [summary.p50Ms, summary.p99Ms, summary.maxMs];
    lines.push(
      `  ${type.padEnd(11)}${numbers.map((ms) => milliseconds(ms).padStart(11)).join('')}`,
    );
  }
  lines.push('', `  ${trouble(status) ?? 'Ctrl-C stops'}`);
  return lines;
}

/** The same in one line, for logs, pipes and terminals with no room. */
export function demoLine(status: DemoStatus): string {
  const { prevote } = status.latency;
  const parts = [
    `height ${status.height}`,
    `signed ${status.signed}`,
    `double-sign refused ${status.doubleSignRefusals}/${status.doubleSignAttempts}`,
    `prevote p50 ${milliseconds(prevote.p50Ms)} p99 ${milliseconds(prevote.p99Ms)}`,
    `floor ${status.floor ?? '?'}`,
  ];
  const wrong = trouble(status);
  if (wrong !== undefined) parts.push(wrong);
  return parts.join('  ');
}

function trouble(status: DemoStatus): string | undefined {
  if (status.refused > 0) {
    return `${status.refused} messages were not signed; the last: ${status.lastRefusal ?? ''}`;
  }
  return status.connected ? undefined : 'waiting for the signer to connect';
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

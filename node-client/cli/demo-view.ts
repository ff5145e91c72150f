/** What the demo says about itself: text out of numbers, and nothing else. */
import type { DemoProgress } from './demo-validator.ts';

const WAITING = 'waiting for the signer to connect';

/** Everything the demo shows, at one moment. */
export interface DemoStatus {
  readonly chainId: string;
  /** Since the signer was first there. */
  readonly elapsedMs: number;
  /** The signer's floor in its own words, `height/round/step`; `undefined` before it was first asked. */
  readonly floor: string | undefined;
  /** Whether a signer is connected right now. */
  readonly connected: boolean;
  /** Whether the validator has done its last height. */
  readonly over: boolean;
  readonly progress: Readonly<DemoProgress>;
}

/** Where the demo has left what. */
export interface DemoPlaces {
  readonly folder: string;
  readonly home: string;
  readonly logFile: string;
  /** Whether all of it stays. */
  readonly keep: boolean;
}

/** The screen of a terminal, as lines without a width limit. */
export function demoScreen(status: DemoStatus): readonly string[] {
  const { progress, elapsedMs } = status;
  const rate = elapsedMs > 0 ? (Number(progress.height) * 1_000) / elapsedMs : 0;
  const seconds = Math.floor(elapsedMs / 1_000);
  const lines = [
    `privval demo: a signer, and a scripted validator on chain ${status.chainId}`,
    '',
    `  height     ${progress.height}  (${rate.toFixed(1)} per second, ${seconds} s)`,
    `  signed     ${progress.signed}  (proposals, prevotes, precommits; each signature verified)`,
    `  refused    ${doubleSigns(progress)} requests for a second block at one height`,
    `  floor      ${status.floor ?? 'not asked yet'}  (height/round/step: nothing below is signed again)`,
    '',
    '  latency, ms      p50      p99      max',
  ];
  for (const [type, samples] of Object.entries(progress.latency)) {
    const { p50Ms, p99Ms, maxMs } = samples.summary();
    const numbers = [p50Ms, p99Ms, maxMs].map((ms) => digits(ms).padStart(9));
    lines.push(`  ${type.padEnd(11)}${numbers.join('')}`);
  }
  lines.push(
    '',
    `  ${trouble(status) ?? (status.over ? 'Stopping the signer.' : 'Ctrl-C stops.')}`,
  );
  return lines;
}

/** The same in one line, for logs, pipes and terminals with no room. */
export function demoLine(status: DemoStatus): string {
  const { progress } = status;
  const { p50Ms, p99Ms } = progress.latency.precommit.summary();
  if (progress.startedMs === undefined && !status.over) return WAITING;
  const parts = [
    `height ${progress.height}`,
    `signed ${progress.signed}`,
    `second blocks refused ${doubleSigns(progress)}`,
    `floor ${status.floor ?? '?'}`,
    `precommit p50 ${digits(p50Ms)} ms p99 ${digits(p99Ms)} ms`,
  ];
  const wrong = trouble(status);
  if (wrong !== undefined) parts.push(wrong);
  return parts.join(' · ');
}

/** What is said at the end: what was done, where it is, and what to do next. */
export function farewell(progress: Readonly<DemoProgress>, places: DemoPlaces): string {
  const { folder, home, logFile, keep } = places;
  const lines = [
    '',
    `Signed ${progress.signed} messages at ${progress.height} heights; refused ${doubleSigns(progress)} second blocks.`,
    'The signer stopped cleanly.',
    '',
  ];
  if (keep) {
    lines.push(
      `Kept in ${folder}`,
      `  the home    ${home}`,
      `  the log     ${logFile}`,
      `  look        npx signer state show --home ${home}`,
    );
  } else {
    lines.push(`Removed ${folder} (--keep leaves home and log in place).`);
  }
  lines.push(
    '',
    'Sign for a node of your own:',
    '  npx signer init --home ~/.privval --chain-id CHAIN --node tcp://HOST:26659',
    '  npx signer serve --home ~/.privval',
    'and in the node\'s config.toml: priv_validator_laddr = "tcp://0.0.0.0:26659".',
    'A key that exists already needs its floor too: README.md,',
    '"Sign for my node in five minutes".',
    '',
  );
  return lines.join('\n');
}

function doubleSigns(progress: Readonly<DemoProgress>): string {
  return `${progress.doubleSignRefusals} of ${progress.doubleSignAttempts}`;
}

function trouble(status: DemoStatus): string | undefined {
  const { refused, lastRefusal } = status.progress;
  if (refused > 0) return `${refused} messages were not signed; the last: ${lastRefusal?.text}`;
  return status.connected || status.over ? undefined : WAITING;
}

function digits(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : 1);
}

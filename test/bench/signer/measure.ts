/** The measurements: latency by message type, throughput over chains, start and memory, stages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { median, type Percentiles, percentiles } from '../histogram.ts';
import { type Asked, type Listen, NodeEnd } from './node-end.ts';
import type { TimedRequest } from './slowest.ts';
import { type Subject, type SubjectName, startSubject } from './subjects.ts';
import { heightRequests, type MessageKind, requestOfKind } from './workload.ts';

/** Requests sent before anything is counted: caches, JIT, the first pages of every file. */
const WARM_UP_REQUESTS = 600;

/** One signer on one connection, ready to be asked. */
interface Pair extends AsyncDisposable {
  readonly end: NodeEnd;
  readonly subject: Subject;
  nextHeight(): bigint;
}

async function openPair(name: SubjectName, directory: string, listen: Listen): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const end = stack.use(await NodeEnd.listen('bench-1', listen));
  const subject = stack.use(await startSubject(name, directory, [end]));
  await end.ready();
  const owned = stack.move();
  let height = 0n;
  return {
    end,
    subject,
    nextHeight: () => ++height,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Microseconds of one question and its answer; a refusal or fault ends the benchmark. */
async function timeAsk(end: NodeEnd, request: Asked): Promise<number> {
  const start = performance.now();
  const answer = await end.ask(request);
  const microseconds = (performance.now() - start) * 1000;
  if ('error' in answer || answer.kind === 'empty') {
    throw new InvariantError(`the signer refused: ${JSON.stringify(answer)}`);
  }
  return microseconds;
}

async function warmUp(pair: Pair): Promise<void> {
  for (let i = 0; i < WARM_UP_REQUESTS; i += 3) {
    for (const request of heightRequests(pair.end.chainId, pair.nextHeight())) {
      await timeAsk(pair.end, request);
    }
  }
}

/** Latency of the mix a proposer is asked (proposal, prevote, precommit), one round per signer in turn. */
export interface MixRound {
  readonly name: SubjectName;
  readonly figures: Percentiles;
  /** One by one, in the order asked. */
  readonly requests: readonly TimedRequest[];
}

/**
 * Measures the mix on all signers in alternating rounds, so that a machine whose speed drifts
 * treats all alike. One connection and one request at a time. `pauseMs` between requests; 0 asks
 * the next at once.
 */
export async function measureMix(
  names: readonly SubjectName[],
  directory: string,
  options: {
    readonly transport: 'tcp' | 'unix';
    readonly rounds: number;
    readonly requestsPerRound: number;
    readonly pauseMs: number;
  },
): Promise<readonly MixRound[]> {
  await using stack = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (const name of names) {
    const home = join(directory, `mix-${options.transport}-${options.pauseMs}-${name}`);
    const listen: Listen =
      options.transport === 'tcp' ? { kind: 'tcp' } : { kind: 'unix', path: `${home}.sock` };
    const pair = stack.use(await openPair(name, home, listen));
    await warmUp(pair);
    pairs.push(pair);
  }
  const result: MixRound[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const pair of pairs) {
      const requests: TimedRequest[] = [];
      while (requests.length < options.requestsPerRound) {
        const height = pair.nextHeight();
        for (const [i, request] of heightRequests(pair.end.chainId, height).entries()) {
          requests.push({ height, step: i + 1, microseconds: await timeAsk(pair.end, request) });
          if (options.pauseMs > 0) await pause(options.pauseMs);
        }
      }
      const figures = percentiles(requests.map(({ microseconds }) => microseconds));
      result.push({ name: pair.subject.name, figures, requests });
    }
  }
  return result;
}

/** Medians over the rounds of one signer. */
export function medianOfRounds(rounds: readonly MixRound[], name: SubjectName): Percentiles {
  const own = rounds.filter((round) => round.name === name).map((round) => round.figures);
  const of = (figure: keyof Percentiles): number => median(own.map((figures) => figures[figure]));
  return {
    count: own.reduce((total, { count }) => total + count, 0),
    p50: of('p50'),
    p90: of('p90'),
    p99: of('p99'),
    p999: of('p999'),
    max: Math.max(...own.map(({ max }) => max)),
  };
}

/** Latency of each message type by itself. */
export async function measureKinds(
  name: SubjectName,
  directory: string,
  kinds: readonly MessageKind[],
  requests: number,
): Promise<ReadonlyMap<MessageKind, Percentiles>> {
  await using pair = await openPair(name, join(directory, `kinds-${name}`), { kind: 'tcp' });
  await warmUp(pair);
  const result = new Map<MessageKind, Percentiles>();
  for (const kind of kinds) {
    const count =
      kind.includes('KiB') || kind.includes('MiB') ? Math.ceil(requests / 10) : requests;
    const samples: number[] = [];
    for (let i = 0; i < count; i++) {
      samples.push(
        await timeAsk(pair.end, requestOfKind(kind, pair.end.chainId, pair.nextHeight())),
      );
    }
    result.set(kind, percentiles(samples));
  }
  return result;
}

/** Signatures a second and the latency under that load. */
export interface Throughput {
  readonly chains: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly latency: Percentiles;
}

/** `chains` chains, each with one request in flight at all times, for `durationMs`. */
export async function measureThroughput(
  name: SubjectName,
  directory: string,
  options: { readonly chains: number; readonly durationMs: number },
): Promise<Throughput> {
  await using stack = new AsyncDisposableStack();
  const ends: NodeEnd[] = [];
  for (let i = 0; i < options.chains; i++) {
    ends.push(stack.use(await NodeEnd.listen(`bench-${i}`, { kind: 'tcp' })));
  }
  stack.use(await startSubject(name, join(directory, `load-${options.chains}-${name}`), ends));
  await Promise.all(ends.map((end) => end.ready()));
  const samples: number[] = [];
  let counting = false;
  let stopping = false;
  const load = ends.map(async (end) => {
    for (let height = 1n; !stopping; height++) {
      for (const request of heightRequests(end.chainId, height)) {
        const microseconds = await timeAsk(end, request);
        if (counting) samples.push(microseconds / 1000);
      }
    }
  });
  await pause(options.durationMs / 4);
  counting = true;
  const start = performance.now();
  await pause(options.durationMs);
  counting = false;
  const elapsedMs = performance.now() - start;
  stopping = true;
  await Promise.all(load);
  return {
    chains: options.chains,
    perSecond: (samples.length / elapsedMs) * 1000,
    latency: percentiles(samples),
  };
}

/** From the start of the process to the first signature, and the memory after a steady load. */
export interface StartAndMemory {
  readonly firstSignatureMs: number;
  readonly steadyRssMiB: number;
}

/** Starts a signer while its node waits, asks at once, then asks `requests` more and looks at the memory. */
export async function measureStart(
  name: SubjectName,
  directory: string,
  requests: number,
): Promise<StartAndMemory> {
  await using pair = await openPair(name, join(directory, 'start', name), { kind: 'tcp' });
  await timeAsk(pair.end, requestOfKind('prevote', pair.end.chainId, pair.nextHeight()));
  const firstSignatureMs = performance.now() - pair.subject.startedAtMs;
  for (let i = 0; i < requests; i += 3) {
    for (const request of heightRequests(pair.end.chainId, pair.nextHeight())) {
      await timeAsk(pair.end, request);
    }
  }
  return { firstSignatureMs, steadyRssMiB: pair.subject.rssMiB() };
}

/** Milliseconds by stage, as the signer's own decision lines say them. */
export function stagesFromLog(path: string): ReadonlyMap<string, Percentiles> {
  const samples = new Map<string, number[]>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('{')) continue;
    const fields: Record<string, unknown> = JSON.parse(line);
    for (const [field, value] of Object.entries(fields)) {
      if (
        typeof value !== 'number' ||
        !/^(queue|reserve|sign|verify|extension|total)Ms$/.test(field)
      )
        continue;
      const list = samples.get(field) ?? [];
      list.push(value);
      samples.set(field, list);
    }
  }
  return new Map([...samples].map(([stage, values]) => [stage, percentiles(values)]));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

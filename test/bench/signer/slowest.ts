/** What held the slowest requests: the driver's own times beside the signer's decision lines. */
import { readFileSync } from 'node:fs';

/** One request, as the driver saw it. */
export interface TimedRequest {
  readonly height: bigint;
  /** 1 proposal, 2 prevote, 3 precommit: as the decision lines have it. */
  readonly step: number;
  readonly microseconds: number;
}

/** How many of the slowest requests spent most of their time where, and how long at the median there. */
export interface Culprit {
  readonly place: string;
  readonly count: number;
  readonly medianMs: number;
}

/** Places in the order of a request; `outside` is all the signer does not know of: both ends' sockets, event loops and garbage. */
const STAGES = ['queueMs', 'reserveMs', 'signMs', 'verifyMs', 'extensionMs'] as const;

/** The slowest `share` of the requests, each put where it spent most. Requests without a decision line are left out. */
export function culprits(
  requests: readonly TimedRequest[],
  log: string,
  share: number,
): readonly Culprit[] {
  const lines = decisionLines(log);
  const count = Math.max(1, Math.ceil(requests.length * share));
  const slowest = requests.toSorted((a, b) => b.microseconds - a.microseconds).slice(0, count);
  const spent = new Map<string, number[]>();
  for (const { height, step, microseconds } of slowest) {
    const line = lines.get(`${height}/${step}`);
    if (line === undefined) continue;
    const { place, ms } = mostOf(line, microseconds / 1000);
    spent.set(place, [...(spent.get(place) ?? []), ms]);
  }
  return [...spent]
    .map(([place, times]) => ({ place, count: times.length, medianMs: middle(times) }))
    .toSorted((a, b) => b.count - a.count);
}

type Line = Readonly<Record<string, unknown>>;

function decisionLines(path: string): ReadonlyMap<string, Line> {
  const lines = new Map<string, Line>();
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (!text.startsWith('{')) continue;
    const line: Line = JSON.parse(text);
    if (line['outcome'] === 'signed') lines.set(`${line['height']}/${line['step']}`, line);
  }
  return lines;
}

function mostOf(line: Line, latencyMs: number): { readonly place: string; readonly ms: number } {
  const totalMs = Number(line['totalMs']);
  const stages = STAGES.map((stage) => ({
    place: stage.slice(0, -2),
    ms: Number(line[stage] ?? 0),
  }));
  const known = stages.reduce((sum, { ms }) => sum + ms, 0);
  const places = [
    ...stages,
    { place: 'between the stages', ms: totalMs - known },
    { place: 'outside', ms: latencyMs - totalMs },
  ];
  return places.reduce((most, each) => (each.ms > most.ms ? each : most));
}

function middle(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

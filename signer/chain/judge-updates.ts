/**
 * What several sources tell of one block's validator updates (S46). Pure and synchronous: no clock,
 * no I/O. Being silent, or behind, is no disagreement: nothing is waited for, so that one source arms.
 */
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Contradiction } from '../rotation/rotation.ts';
import type { PowerUpdate } from './node-rpc.ts';

/** Heights that are remembered: what a source tells of older ones is news to nobody. */
const MAX_HEIGHTS = 128;

/** What was told of one block, by the name of the source. */
interface Claims {
  readonly told: ReadonlyMap<string, readonly PowerUpdate[]>;
  /** The true ones, once a header has shown them. */
  readonly settled: readonly PowerUpdate[] | undefined;
}

/** What is known of the newest blocks. A new object for each change. */
export interface UpdatesTold {
  readonly byHeight: ReadonlyMap<bigint, Claims>;
}

/** Nothing was told. */
export const NOTHING_TOLD: UpdatesTold = { byHeight: new Map() };

/** One source's word on one block. */
export interface UpdatesClaim {
  readonly source: string;
  readonly height: bigint;
  readonly updates: readonly PowerUpdate[];
}

/**
 * What a claim is. `first`: to be acted on. `known`: others, or the same source, have told so.
 * `contradicts`: another thing than was told before. `refuted`: another thing than a header has shown,
 * which is the source's fault and changes nothing.
 */
export type UpdatesVerdict =
  | { readonly kind: 'first' }
  | { readonly kind: 'known' }
  | { readonly kind: 'contradicts'; readonly contradiction: Contradiction }
  | { readonly kind: 'refuted' };

/** Judges a claim, and remembers it. */
export function judgeUpdates(
  known: UpdatesTold,
  claim: UpdatesClaim,
): { readonly known: UpdatesTold; readonly verdict: UpdatesVerdict } {
  const { source, height, updates } = claim;
  const claims = known.byHeight.get(height);
  if (claims === undefined) {
    const told = new Map([[source, updates]]);
    return { known: withClaims(known, height, { told, settled: undefined }), verdict: FIRST };
  }
  if (claims.settled !== undefined) {
    return { known, verdict: isSame(claims.settled, updates) ? KNOWN : { kind: 'refuted' } };
  }
  const told = new Map(claims.told).set(source, updates);
  const after = withClaims(known, height, { ...claims, told });
  if ([...claims.told.values()].every((other) => isSame(other, updates))) {
    return { known: after, verdict: KNOWN };
  }
  const contradiction: Contradiction = {
    height,
    told: Object.fromEntries([...told].map(([name, each]) => [name, describe(each)])),
  };
  return { known: after, verdict: { kind: 'contradicts', contradiction } };
}

/** A header has shown what the updates of `height` were: later claims are measured by it. */
export function settleUpdates(
  known: UpdatesTold,
  height: bigint,
  updates: readonly PowerUpdate[],
): UpdatesTold {
  const claims = known.byHeight.get(height);
  return withClaims(known, height, { told: claims?.told ?? new Map(), settled: updates });
}

const FIRST: UpdatesVerdict = { kind: 'first' };
const KNOWN: UpdatesVerdict = { kind: 'known' };

function withClaims(known: UpdatesTold, height: bigint, claims: Claims): UpdatesTold {
  const byHeight = new Map(known.byHeight).set(height, claims);
  if (byHeight.size > MAX_HEIGHTS) {
    const lowest = [...byHeight.keys()].reduce((a, b) => (a < b ? a : b));
    byHeight.delete(lowest);
  }
  return { byHeight };
}

/** Whatever their order. */
function isSame(a: readonly PowerUpdate[], b: readonly PowerUpdate[]): boolean {
  return describe(a) === describe(b);
}

/** For a person, and for comparing: `7a3f…=10`, ascending; a key that comes twice counts as its last. */
function describe(updates: readonly PowerUpdate[]): string {
  if (updates.length === 0) return 'no updates';
  const byKey = new Map(
    updates.map(({ publicKey, power }) => [hexFromBytes(publicKey), power] as const),
  );
  return [...byKey]
    .map(([key, power]) => `${key}=${power}`)
    .sort()
    .join(', ');
}

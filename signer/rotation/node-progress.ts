/**
 * What a node has committed, as far as that is proven, and whether its public-key request is to wait
 * for its block event (S41, S42). Pure.
 */

/** What is known when a node asks for the public key. */
export interface KeyRequestFacts {
  /** What this node has proven by its requests and events, in this process or an earlier one. */
  readonly committed: bigint | undefined;
  /** The validator's floor; 0 when nothing was signed. */
  readonly floorHeight: bigint;
  /** What an operator states to be committed everywhere (S44). */
  readonly passedAt: bigint | undefined;
  /** A, while a rotation is armed and the floor below it. */
  readonly armedAt: bigint | undefined;
  /** The height of the newest sign request on this connection. */
  readonly signAskedAt: bigint | undefined;
  /** Whether the public key was asked for since that sign request. */
  readonly wasKeyAsked: boolean;
  /** Whether the newest sign request was for a height that counted as committed before it came. */
  readonly isContradicted: boolean;
}

/** The answer as it stands, and what an event would have to show for another one. */
export interface KeyRequestJudgement {
  /** Committed + 1; `undefined` when nothing at all is known. */
  readonly nextHeight: bigint | undefined;
  /** The height from which on a block event is worth waiting for; `undefined`: answer at once. */
  readonly holdFor: bigint | undefined;
}

/**
 * The rule. A request that is the first one since a sign request for h on the same connection is
 * made after the commit of h: it is answered at once. Any other one may be made before that commit
 * or after it, and only the node's own block event tells.
 */
export function judgeKeyRequest(facts: KeyRequestFacts): KeyRequestJudgement {
  const { committed, armedAt, signAskedAt, wasKeyAsked, isContradicted } = facts;
  // The node asks for a vote at a height that its RPC says is over: that is some other node's RPC.
  if (isContradicted && signAskedAt !== undefined) {
    return { nextHeight: signAskedAt + 1n, holdFor: undefined };
  }
  const proven = highest(committed, floorProves(facts.floorHeight), facts.passedAt);
  const nextHeight = proven === undefined ? undefined : proven + 1n;
  if (armedAt === undefined || (nextHeight !== undefined && nextHeight >= armedAt)) {
    return { nextHeight, holdFor: undefined };
  }
  if (committed === undefined) return { nextHeight, holdFor: 1n };
  const isFirst = signAskedAt !== undefined && !wasKeyAsked;
  const isOneShort = nextHeight === armedAt - 1n;
  return { nextHeight, holdFor: isOneShort && !isFirst ? armedAt - 1n : undefined };
}

/** A floor at h was asked for by a node that had committed h − 1. */
function floorProves(floorHeight: bigint): bigint | undefined {
  return floorHeight > 0n ? floorHeight - 1n : undefined;
}

function highest(...heights: readonly (bigint | undefined)[]): bigint | undefined {
  return heights.reduce(
    (max, height) => (max === undefined || (height !== undefined && height > max) ? height : max),
    undefined,
  );
}

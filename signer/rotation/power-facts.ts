/** What blocks told of a rotation's two keys, and what follows from all of it together. Pure. */
import type { PowerFact } from './rotation.ts';

/** How many blocks are remembered: many times what a rotation meets. */
const MAX_FACTS = 256;

/** What the facts say. */
export interface PowerSummary {
  /** N: since when the new key has power; the one that counted, once there was a switch. */
  readonly newKeyIn: bigint | undefined;
  /** R: since when the old key has none; the one that counted, once there was a switch. */
  readonly oldKeyOut: bigint | undefined;
  /**
   * max(N, R) of the first block after which the new key has power and the old one has none. What
   * blocks after it do is a jail or a mistake, and changes no switch.
   */
  readonly switchedBy: bigint | undefined;
}

/**
 * Walks the blocks in their order, whatever the order they were told in. Without a fact the old
 * key is in the set and the new key is not.
 */
export function summarizePowers(facts: readonly PowerFact[]): PowerSummary {
  let newKeyIn: bigint | undefined;
  let oldKeyOut: bigint | undefined;
  for (const { height, isNewKeyIn, isOldKeyIn } of facts) {
    if (isNewKeyIn !== undefined) newKeyIn = isNewKeyIn ? (newKeyIn ?? height) : undefined;
    if (isOldKeyIn !== undefined) oldKeyOut = isOldKeyIn ? undefined : (oldKeyOut ?? height);
    if (newKeyIn !== undefined && oldKeyOut !== undefined) {
      return { newKeyIn, oldKeyOut, switchedBy: height };
    }
  }
  return { newKeyIn, oldKeyOut, switchedBy: undefined };
}

/**
 * The facts with one more, or with what its block says now instead of what it said before. The very
 * same array when nothing changes.
 */
export function withFact(facts: readonly PowerFact[], fact: PowerFact): readonly PowerFact[] {
  const found = facts.find((other) => isOfSameBlock(other, fact));
  if (found === undefined) {
    if (isEmpty(fact)) return facts;
    const after = facts.findIndex((other) => isBefore(fact, other));
    const place = after < 0 ? facts.length : after;
    return thinned([...facts.slice(0, place), fact, ...facts.slice(place)]);
  }
  if (isSame(found, fact)) return facts;
  if (isEmpty(fact)) return facts.filter((other) => other !== found);
  return facts.map((other) => (other === found ? fact : other));
}

/** The facts without what was told of `height`. The very same array when nothing was. */
export function withoutHeight(facts: readonly PowerFact[], height: bigint): readonly PowerFact[] {
  const others = facts.filter((fact) => fact.height !== height);
  return others.length === facts.length ? facts : others;
}

/** The facts about the new key alone. */
export function withoutOldKey(facts: readonly PowerFact[]): readonly PowerFact[] {
  return facts.map((fact) => ({ ...fact, isOldKeyIn: undefined })).filter((fact) => !isEmpty(fact));
}

/** Whether any block gave the new key power. */
export function wasNewKeyEverIn(facts: readonly PowerFact[]): boolean {
  return facts.some(({ isNewKeyIn }) => isNewKeyIn === true);
}

/** Drops the oldest fact that changes nothing where it stands; if each changes something, the oldest. */
function thinned(facts: readonly PowerFact[]): readonly PowerFact[] {
  if (facts.length <= MAX_FACTS) return facts;
  let isNewKeyIn = false;
  let isOldKeyIn = true;
  for (const fact of facts) {
    const after: Powers = {
      isNewKeyIn: fact.isNewKeyIn ?? isNewKeyIn,
      isOldKeyIn: fact.isOldKeyIn ?? isOldKeyIn,
    };
    if (after.isNewKeyIn === isNewKeyIn && after.isOldKeyIn === isOldKeyIn) {
      return facts.filter((other) => other !== fact);
    }
    ({ isNewKeyIn, isOldKeyIn } = after);
  }
  return facts.slice(1);
}

interface Powers {
  readonly isNewKeyIn: boolean;
  readonly isOldKeyIn: boolean;
}

function isEmpty({ isNewKeyIn, isOldKeyIn }: PowerFact): boolean {
  return isNewKeyIn === undefined && isOldKeyIn === undefined;
}

function isSame(a: PowerFact, b: PowerFact): boolean {
  return a.isNewKeyIn === b.isNewKeyIn && a.isOldKeyIn === b.isOldKeyIn;
}

function isOfSameBlock(a: PowerFact, b: PowerFact): boolean {
  return a.height === b.height && a.isOfSet === b.isOfSet;
}

/** What a set shows comes before what its block says, which so has the last word. */
function isBefore(a: PowerFact, b: PowerFact): boolean {
  if (a.height !== b.height) return a.height < b.height;
  return a.isOfSet && !b.isOfSet;
}

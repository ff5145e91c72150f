/** What blocks make of a rotation: when it is armed, when held (S40, S45, S46). Pure. */
import { summarizePowers, withFact, withoutHeight } from './power-facts.ts';
import { isOpen, type Rotation, type RotationState } from './rotation.ts';
import { type Change, same } from './rotation-change.ts';
import type { RotationContext, RotationEffect, RotationEvent } from './step-rotation.ts';

/** Blocks between an update and the first height it counts for (S40). */
const UPDATE_DELAY = 2n;

/** What one block did to the keys' powers. */
export function powersChanged(
  rotation: Rotation,
  event: Extract<RotationEvent, { kind: 'powers-changed' }>,
  context: RotationContext,
): Change {
  const { height, newKeyPower, oldKeyPower, hasStranger } = event;
  if (!isWatched(rotation)) return same(rotation, afterwards(rotation, event));
  const powers = withFact(rotation.powers, {
    height,
    isNewKeyIn: newKeyPower === undefined ? undefined : newKeyPower > 0n,
    isOldKeyIn: oldKeyPower === undefined ? undefined : oldKeyPower > 0n,
    isOfSet: false,
  });
  const isStrangers = hasStranger && oldKeyPower === 0n;
  const strangerAt = isStrangers
    ? height
    : rotation.strangerAt === height
      ? undefined
      : rotation.strangerAt;
  const next =
    powers === rotation.powers && strangerAt === rotation.strangerAt
      ? rotation
      : { ...rotation, powers, strangerAt };
  return settled(next, rotation, context);
}

/** The set that signs `height` was made by the blocks up to two before it. */
export function setSeen(
  rotation: Rotation,
  { height, hasNewKey, hasOldKey }: Extract<RotationEvent, { kind: 'set-seen' }>,
  context: RotationContext,
): Change {
  if (!isWatched(rotation)) return same(rotation);
  const powers = withFact(rotation.powers, {
    height: height - UPDATE_DELAY,
    isNewKeyIn: hasNewKey,
    isOldKeyIn: hasOldKey,
    isOfSet: true,
  });
  if (powers === rotation.powers) return settled(rotation, rotation, context);
  return settled({ ...rotation, powers }, rotation, context);
}

/** What was told of that block counts no more; a switch it led to is taken back (S46). */
export function sourcesContradict(
  rotation: Rotation,
  { contradiction }: Extract<RotationEvent, { kind: 'sources-contradict' }>,
  context: RotationContext,
): Change {
  const text = `sources tell different things of block ${contradiction.height}`;
  const alarm: RotationEffect = { kind: 'alarm', code: 'ERR_ROTATION_HELD', text };
  if (!isWatched(rotation) || rotation.armedBy === 'hand') {
    return same(rotation, isOpen(rotation.state) ? [alarm] : []);
  }
  const known = rotation.contradiction;
  const next: Rotation = {
    ...rotation,
    powers: withoutHeight(rotation.powers, contradiction.height),
    strangerAt: rotation.strangerAt === contradiction.height ? undefined : rotation.strangerAt,
    // Whoever is right about the highest block is right about those before it.
    contradiction:
      known !== undefined && known.height > contradiction.height ? known : contradiction,
  };
  const change = settled(next, rotation, context);
  if (change.kind === 'refused' || change.rotation.state !== 'held') return change;
  return { ...change, effects: [...change.effects, alarm] };
}

/** The chain has shown who was right. */
export function contradictionSettled(
  rotation: Rotation,
  { height }: Extract<RotationEvent, { kind: 'contradiction-settled' }>,
  context: RotationContext,
): Change {
  const { contradiction } = rotation;
  if (contradiction === undefined || contradiction.height > height) return same(rotation);
  return settled({ ...rotation, contradiction: undefined }, rotation, context);
}

/** Whether blocks may still arm this rotation, or arm it otherwise. Aborted ones too (S45). */
function isWatched({ state }: Rotation): boolean {
  return (
    state === 'generated' ||
    state === 'proven' ||
    state === 'held' ||
    state === 'armed' ||
    state === 'aborted'
  );
}

/**
 * What follows from the facts: armed, held, or at rest. `before` is the rotation as it was; the floor
 * has not reached its A, or it would not be watched any more.
 */
function settled(rotation: Rotation, before: Rotation, context: RotationContext): Change {
  const { newKeyIn, oldKeyOut, switchedBy } = summarizePowers(rotation.powers);
  const known = { ...rotation, newKeyIn, oldKeyOut };
  if (rotation.contradiction === undefined && switchedBy !== undefined) {
    const activationHeight = activation(switchedBy, context);
    return armedByChain({ ...known, activationHeight, armedBy: 'chain' }, before);
  }
  if (rotation.armedBy === 'hand') return changed({ ...known }, before, []);
  const state = restingState(known);
  const rested: Rotation = {
    ...known,
    state,
    activationHeight: undefined,
    armedBy: undefined,
    isPassed: false,
  };
  const effects: RotationEffect[] = [];
  if (before.activationHeight !== undefined) effects.push({ kind: 'schedule-changed' });
  if (state === 'held' && rotation.contradiction === undefined && before.state !== 'held') {
    const text = `block ${rotation.strangerAt} took the old key's power and gave some to a key that is none of this validator's: if that was its transaction, it names another key`;
    effects.push({ kind: 'alarm', code: 'ERR_ROTATION_STRANGER', text });
  }
  return changed(rested, before, effects);
}

/** max(N, R) + 2; found late, the first height that no key has signed for, after every earlier switch (S40). */
function activation(switchedBy: bigint, { floorHeight, lastActivation }: RotationContext): bigint {
  return [floorHeight + 1n, lastActivation + 1n].reduce(
    (max, height) => (height > max ? height : max),
    switchedBy + UPDATE_DELAY,
  );
}

function armedByChain(rotation: Rotation, before: Rotation): Change {
  const next: Rotation = { ...rotation, state: 'armed', strangerAt: undefined };
  if (before.state === 'armed' && before.activationHeight === next.activationHeight) {
    return changed(next, before, []);
  }
  const effects: RotationEffect[] = [{ kind: 'schedule-changed' }];
  const at = `the new key signs from height ${next.activationHeight} on`;
  if (before.activationHeight !== undefined) {
    const text = `the chain says otherwise than height ${before.activationHeight}: ${at}`;
    effects.push({ kind: 'alarm', code: 'ERR_ROTATION_REARMED', text });
  } else if (before.proof === undefined || before.entered.aborted !== undefined) {
    const what = before.proof === undefined ? 'was never proven' : 'belongs to an aborted rotation';
    const text = `the chain has taken a key that ${what}: ${at}`;
    effects.push({ kind: 'alarm', code: 'ERR_ROTATION_UNASKED', text });
  } else effects.push({ kind: 'note', text: at });
  return changed(next, before, effects);
}

/** Where a rotation stands that is not armed. */
function restingState(rotation: Rotation): RotationState {
  if (rotation.state === 'aborted') return 'aborted';
  const isStrangers = rotation.strangerAt !== undefined && rotation.newKeyIn === undefined;
  if (rotation.contradiction !== undefined || isStrangers) return 'held';
  if (rotation.entered.aborted !== undefined) return 'aborted';
  return rotation.proof === undefined ? 'generated' : 'proven';
}

/** What blocks after the switch do is told, and changes nothing. */
function afterwards(
  { activationHeight }: Rotation,
  { height, newKeyPower, oldKeyPower }: Extract<RotationEvent, { kind: 'powers-changed' }>,
): readonly RotationEffect[] {
  if (activationHeight === undefined || height + UPDATE_DELAY <= activationHeight) return [];
  const effects: RotationEffect[] = [];
  if (newKeyPower === 0n) {
    const text = `block ${height} took the new key's power: a jail, or the end of its stake`;
    effects.push({ kind: 'note', text });
  }
  if (oldKeyPower !== undefined && oldKeyPower > 0n) {
    const text = `block ${height} gave the old key power again, and it signs nothing any more`;
    effects.push({ kind: 'alarm', code: 'ERR_OLD_KEY_BACK', text });
  }
  return effects;
}

/** A change; the very same object as before where nothing differs. */
function changed(next: Rotation, before: Rotation, effects: readonly RotationEffect[]): Change {
  const isSame =
    next.powers === before.powers &&
    next.state === before.state &&
    next.newKeyIn === before.newKeyIn &&
    next.oldKeyOut === before.oldKeyOut &&
    next.activationHeight === before.activationHeight &&
    next.armedBy === before.armedBy &&
    next.isPassed === before.isPassed &&
    next.contradiction === before.contradiction &&
    next.strangerAt === before.strangerAt;
  return { kind: 'changed', rotation: isSame ? before : next, effects };
}

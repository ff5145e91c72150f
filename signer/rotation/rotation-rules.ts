/** The rules of a rotation (S38–S48): what a fact or a wish makes of it. Pure and synchronous. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { contradictionSettled, powersChanged, setSeen, sourcesContradict } from './arming-rules.ts';
import { summarizePowers, wasNewKeyEverIn, withoutOldKey } from './power-facts.ts';
import type { Rotation } from './rotation.ts';
import { type Change, refuse, same } from './rotation-change.ts';
import type {
  RotationContext,
  RotationEffect,
  RotationEvent,
  RotationStep,
  StepRotation,
} from './step-rotation.ts';

/** How far above the tip `arm --at-height` goes without being confirmed (S44). */
const MAX_ARM_DISTANCE = 100_000n;

/** Heights at which the new key has to be seen at work before a rotation is verified. */
const SEEN_HEIGHTS = 3;

/** {@link StepRotation}, by the rules of the safety sheet. */
export const stepRotation: StepRotation = (rotation, event, context) => {
  const current = reached(rotation, context);
  const outcome = step(current, event, context);
  if (outcome.kind === 'refused') return outcome;
  return stepped(outcome.rotation, outcome.effects, context, rotation);
};

function step(rotation: Rotation, event: RotationEvent, context: RotationContext): Change {
  switch (event.kind) {
    case 'proved':
      return proved(rotation, event);
    case 'powers-changed':
      return powersChanged(rotation, event, context);
    case 'set-seen':
      return setSeen(rotation, event, context);
    case 'sources-contradict':
      return sourcesContradict(rotation, event, context);
    case 'contradiction-settled':
      return contradictionSettled(rotation, event, context);
    case 'old-key-replaced':
      return oldKeyReplaced(rotation, event);
    case 'removal-printed':
      if (rotation.isRemovalPrinted) return same(rotation);
      return same({ ...rotation, isRemovalPrinted: true });
    case 'arm-asked':
      return armAsked(rotation, event, context);
    case 'abort-asked':
      return abortAsked(rotation);
    case 'floor-moved':
      // Whether it has reached A was looked at before: the context has the floor as it stands.
      return same(rotation);
    case 'new-key-seen':
      return newKeySeen(rotation, event);
    case 'block-missed':
      return blockMissed(rotation, event);
    case 'evidence-window-known':
      return evidenceWindowKnown(rotation, event);
    case 'finish-asked':
      return finishAsked(rotation, event);
  }
}

/** From A on the new key signs: once the floor is there, nothing takes the switch back (S38, S39). */
function reached(rotation: Rotation, { floorHeight }: RotationContext): Rotation {
  const { state, activationHeight } = rotation;
  if (state !== 'armed' || activationHeight === undefined) return rotation;
  return floorHeight < activationHeight ? rotation : { ...rotation, state: 'switched' };
}

function proved(rotation: Rotation, { proof }: Extract<RotationEvent, { kind: 'proved' }>): Change {
  if (rotation.proof !== undefined) return same(rotation);
  const refusal = refuseProof(rotation);
  if (refusal !== undefined) return refusal;
  return same({ ...rotation, proof, state: rotation.state === 'held' ? 'held' : 'proven' });
}

/** Why the new key is not to prove anything: asked before it is made to sign, and again with the proof (S47). */
export function refuseProof({ state, powers }: Rotation): Refusal | undefined {
  if (state !== 'generated' && state !== 'held') {
    return refuse('ERR_ROTATION_STATE', `a rotation that is ${state} proves nothing any more`);
  }
  if (!wasNewKeyEverIn(powers)) return undefined;
  return refuse(
    'ERR_ROTATION_IN_BLOCK',
    'the new key has power on the chain already: it signs consensus from now on, and nothing else (S47)',
  );
}

function oldKeyReplaced(
  rotation: Rotation,
  { oldKey }: Extract<RotationEvent, { kind: 'old-key-replaced' }>,
): Change {
  if (rotation.activationHeight !== undefined || equalBytes(rotation.oldKey, oldKey)) {
    return same(rotation);
  }
  const powers = withoutOldKey(rotation.powers);
  const { newKeyIn } = summarizePowers(powers);
  return same({ ...rotation, oldKey, powers, newKeyIn, oldKeyOut: undefined });
}

function armAsked(
  rotation: Rotation,
  { atHeight, isPassed, isConfirmed }: Extract<RotationEvent, { kind: 'arm-asked' }>,
  { floorHeight, tip, lastActivation }: RotationContext,
): Change {
  const { state, activationHeight } = rotation;
  if (activationHeight !== undefined) {
    if (activationHeight !== atHeight) {
      return refuse(
        'ERR_ROTATION_ARMED',
        `this rotation is ${state} for height ${activationHeight} already, not for ${atHeight}`,
      );
    }
    return same(isPassed && !rotation.isPassed ? { ...rotation, isPassed } : rotation);
  }
  if ((state !== 'proven' && state !== 'held') || rotation.proof === undefined) {
    return refuse(
      'ERR_ROTATION_STATE',
      state === 'generated' || state === 'held'
        ? 'the new key has proven nothing yet: signer keys rotate prove comes first'
        : `a rotation that is ${state} is not armed any more`,
    );
  }
  if (atHeight <= floorHeight || atHeight <= lastActivation) {
    const below = floorHeight > lastActivation ? floorHeight : lastActivation;
    return refuse(
      'ERR_ARM_HEIGHT',
      `height ${atHeight} is not above ${below}, which is signed for or was a switch before: name the height that the chain's update begins to count for`,
    );
  }
  const known = tip ?? floorHeight;
  if (!isConfirmed && atHeight > known + MAX_ARM_DISTANCE) {
    return refuse(
      'ERR_CONFIRMATION_REQUIRED',
      `height ${atHeight} is more than ${MAX_ARM_DISTANCE} above ${known}, the newest that is known: look at it once more, then add --confirm NAME`,
    );
  }
  return {
    kind: 'changed',
    rotation: {
      ...rotation,
      state: 'armed',
      activationHeight: atHeight,
      armedBy: 'hand',
      isPassed,
      contradiction: undefined,
      strangerAt: undefined,
    },
    effects: [{ kind: 'schedule-changed' }],
  };
}

/** Until the update is in a block (S45). The key stays: it may yet appear in the set. */
function abortAsked(rotation: Rotation): Change {
  const { state } = rotation;
  if (state === 'aborted') return same(rotation);
  if (wasNewKeyEverIn(rotation.powers)) {
    return refuse(
      'ERR_ROTATION_IN_BLOCK',
      'the chain has given the new key power: this rotation goes on by itself and cannot be taken back',
    );
  }
  const isArmedByHand = state === 'armed' && rotation.armedBy === 'hand';
  if (state !== 'generated' && state !== 'proven' && state !== 'held' && !isArmedByHand) {
    return refuse('ERR_ROTATION_STATE', `a rotation that is ${state} cannot be aborted`);
  }
  return {
    kind: 'changed',
    rotation: {
      ...rotation,
      state: 'aborted',
      activationHeight: undefined,
      armedBy: undefined,
      isPassed: false,
      contradiction: undefined,
      strangerAt: undefined,
    },
    effects: isArmedByHand ? [{ kind: 'schedule-changed' }] : [],
  };
}

function newKeySeen(
  rotation: Rotation,
  { height }: Extract<RotationEvent, { kind: 'new-key-seen' }>,
): Change {
  const { state, activationHeight, seenAt } = rotation;
  if (state !== 'switched' || activationHeight === undefined || height < activationHeight) {
    return same(rotation);
  }
  if (seenAt.includes(height) || seenAt.length === SEEN_HEIGHTS) return same(rotation);
  const seen = ascending([...seenAt, height]);
  if (seen.length < SEEN_HEIGHTS) return same({ ...rotation, seenAt: seen });
  return same({
    ...rotation,
    seenAt: seen,
    state: rotation.retiresAfter === undefined ? 'verified' : 'retiring',
  });
}

function blockMissed(
  rotation: Rotation,
  { height }: Extract<RotationEvent, { kind: 'block-missed' }>,
): Change {
  const { activationHeight: at, missedAt } = rotation;
  if (at === undefined || height < at - 1n || height > at + 1n) return same(rotation);
  if (missedAt.includes(height)) return same(rotation);
  return same({ ...rotation, missedAt: ascending([...missedAt, height]) });
}

function evidenceWindowKnown(
  rotation: Rotation,
  { untilHeight, untilTimeMs }: Extract<RotationEvent, { kind: 'evidence-window-known' }>,
): Change {
  const { state, retiresAfter: known } = rotation;
  if (state !== 'switched' && state !== 'verified' && state !== 'retiring') return same(rotation);
  const height = known === undefined || untilHeight > known.height ? untilHeight : known.height;
  const timeMs = Math.max(untilTimeMs, known?.timeMs ?? untilTimeMs);
  const isKnown = known?.height === height && known.timeMs === timeMs;
  if (isKnown && state !== 'verified') return same(rotation);
  return same({
    ...rotation,
    retiresAfter: { height, timeMs },
    state: state === 'verified' ? 'retiring' : state,
  });
}

function finishAsked(
  rotation: Rotation,
  { tip, isWindowOver }: Extract<RotationEvent, { kind: 'finish-asked' }>,
): Change {
  const { state, retiresAfter, oldKey } = rotation;
  const destroy: RotationEffect = { kind: 'destroy-key', publicKey: oldKey };
  // Once more: the process may have ended between the row and the key.
  if (state === 'finished') return same(rotation, [destroy]);
  if (state !== 'verified' && state !== 'retiring') {
    return refuse(
      'ERR_ROTATION_STATE',
      `a rotation that is ${state} still needs its old key: it is finished after it was verified`,
    );
  }
  if (retiresAfter === undefined || tip === undefined) {
    if (!isWindowOver) {
      return refuse(
        'ERR_EVIDENCE_WINDOW',
        "no RPC tells until when evidence against the old key counts: give this validator one, or state with --window-over that the chain's evidence age has passed",
      );
    }
  } else if (tip.height <= retiresAfter.height || tip.timeMs <= retiresAfter.timeMs) {
    return refuse(
      'ERR_EVIDENCE_WINDOW',
      `evidence against the old key counts until height ${retiresAfter.height} and ${new Date(retiresAfter.timeMs).toISOString()}: finish it after both; the chain is at ${tip.height}`,
    );
  }
  return { kind: 'changed', rotation: { ...rotation, state: 'finished' }, effects: [destroy] };
}

/** Dates the state that was entered. */
function stepped(
  rotation: Rotation,
  effects: readonly RotationEffect[],
  { nowMs }: RotationContext,
  before: Rotation,
): RotationStep {
  if (rotation.state === before.state) return { kind: 'stepped', rotation, effects };
  const entered = { ...rotation.entered, [rotation.state]: nowMs };
  return { kind: 'stepped', rotation: { ...rotation, entered }, effects };
}

function ascending(heights: readonly bigint[]): readonly bigint[] {
  return [...heights].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

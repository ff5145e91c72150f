/** A rotation and what happens to it, for the tests of its rules, its store and its driver. */
import type { Rotation, RotationProof } from '@privval/signer/rotation/rotation';
import { stepRotation } from '@privval/signer/rotation/rotation-rules';
import type {
  RotationContext,
  RotationEffect,
  RotationEvent,
} from '@privval/signer/rotation/step-rotation';

/** 32 equal bytes. */
export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export const OLD_KEY: Uint8Array = keyOf(1);
export const NEW_KEY: Uint8Array = keyOf(2);

/** As `generate` leaves it. */
export const GENERATED: Rotation = {
  id: 1n,
  validator: 'main',
  state: 'generated',
  oldKey: OLD_KEY,
  newKey: NEW_KEY,
  newKeyIn: undefined,
  oldKeyOut: undefined,
  activationHeight: undefined,
  armedBy: undefined,
  isPassed: false,
  proof: undefined,
  contradiction: undefined,
  seenAt: [],
  missedAt: [],
  retiresAfter: undefined,
  powers: [],
  strangerAt: undefined,
  isRemovalPrinted: false,
  entered: { generated: 0 },
};

export const PROOF: RotationProof = { message: keyOf(3), signature: new Uint8Array(64) };

/** As `prove` leaves it. */
export const PROVEN: Rotation = { ...GENERATED, state: 'proven', proof: PROOF };

export const CONTEXT: RotationContext = {
  floorHeight: 5n,
  tip: 5n,
  lastActivation: 0n,
  nowMs: 1_000,
};

/** A block that changed powers. */
export function powers(
  height: number,
  changes: { readonly newKey?: number; readonly oldKey?: number; readonly hasStranger?: boolean },
): RotationEvent {
  const { newKey, oldKey, hasStranger = false } = changes;
  return {
    kind: 'powers-changed',
    height: BigInt(height),
    newKeyPower: newKey === undefined ? undefined : BigInt(newKey),
    oldKeyPower: oldKey === undefined ? undefined : BigInt(oldKey),
    hasStranger,
  };
}

/** A wish to arm by hand. */
export function armAt(
  height: number,
  flags: { isPassed?: true; isConfirmed?: true } = {},
): RotationEvent {
  const { isPassed = false, isConfirmed = false } = flags;
  return { kind: 'arm-asked', atHeight: BigInt(height), isPassed, isConfirmed };
}

export function contradictionAt(height: number): RotationEvent {
  const contradiction = { height: BigInt(height), told: { a: 'in', b: 'out' } };
  return { kind: 'sources-contradict', contradiction };
}

/** What came of events, one after the other; a refusal changes nothing and is remembered by its code. */
export interface Told {
  readonly rotation: Rotation;
  readonly effects: readonly RotationEffect[];
  readonly refusals: readonly string[];
}

export function tell(
  rotation: Rotation,
  events: readonly RotationEvent[],
  context: RotationContext = CONTEXT,
): Told {
  let current = rotation;
  const effects: RotationEffect[] = [];
  const refusals: string[] = [];
  for (const event of events) {
    const step = stepRotation(current, event, context);
    if (step.kind === 'refused') refusals.push(step.code);
    else {
      current = step.rotation;
      effects.push(...step.effects);
    }
  }
  return { rotation: current, effects, refusals };
}

/** Codes of the alarms among effects. */
export function alarms({ effects }: Told): readonly string[] {
  return effects.flatMap((effect) => (effect.kind === 'alarm' ? effect.code : []));
}

/** What a rule makes of a rotation, before the step dates it. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import type { Rotation } from './rotation.ts';
import type { RotationEffect } from './step-rotation.ts';

/** A change, or why there is none. The very same rotation where nothing changes. */
export type Change =
  | Refusal
  | {
      readonly kind: 'changed';
      readonly rotation: Rotation;
      readonly effects: readonly RotationEffect[];
    };

/** A change that acts on nothing else, or no change. */
export function same(rotation: Rotation, effects: readonly RotationEffect[] = []): Change {
  return { kind: 'changed', rotation, effects };
}

/** A wish that a rule says no to. */
export function refuse(code: `ERR_${string}`, text: string): Refusal {
  return { kind: 'refused', reason: 'invalid-request', code, text };
}

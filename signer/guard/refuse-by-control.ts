/** What a freeze and a height ceiling refuse. Pure. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { formatPosition, type Hrs } from './hrs.ts';
import type { Freeze, ValidatorControl } from './validator-control.ts';

/** The refusal of `at`, if the freeze or the ceiling of its validator is in the way. */
export function refuseByControl(
  validator: string,
  at: Hrs,
  { freeze, heightCeiling }: ValidatorControl,
): Refusal | undefined {
  if (freeze !== undefined) return refuseFrozen(validator, freeze);
  if (heightCeiling === undefined || at.height <= heightCeiling) return undefined;
  return {
    kind: 'refused',
    reason: 'height-ceiling',
    code: 'ERR_HEIGHT_CEILING',
    text:
      `${formatPosition(at)} is above the height ceiling ${heightCeiling}, which an operator has ` +
      `set: signer ceiling set HEIGHT --validator ${validator}, or signer ceiling clear`,
  };
}

/** A frozen validator signs nothing, repeats included (S34). */
export function refuseFrozen(validator: string, freeze: Freeze): Refusal {
  const since = new Date(freeze.atMs).toISOString();
  return {
    kind: 'refused',
    reason: 'frozen',
    code: 'ERR_FROZEN',
    text:
      `frozen since ${since} by ${freeze.by} (${freeze.cause}): ${freeze.reason}. ` +
      `To sign again: signer unfreeze --confirm ${validator}`,
  };
}

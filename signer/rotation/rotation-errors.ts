/** What can stand against a rotation: each case says what to do. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { PlanItem } from './rotation-desk.ts';

/** Another rotation of this validator is under way: one at a time. */
export class RotationOpenError extends CodedError {
  override readonly name = 'RotationOpenError';
  readonly code = 'ERR_ROTATION_OPEN';

  constructor(validator: string, state: string) {
    super(
      `a rotation of ${validator} is ${state}: end it first (signer keys rotate status), or abort it while the chain has not taken its key`,
    );
  }
}

/** What `floor.db` holds of a validator's rotations is not what was written: which key signs when is not known. */
export class RotationDamagedError extends CodedError {
  override readonly name = 'RotationDamagedError';
  readonly code = 'ERR_ROTATION_DAMAGED';

  constructor(validator: string, reason: string) {
    super(
      `the keys of validator ${JSON.stringify(validator)} by height are damaged: ${reason}. Nothing is signed with a guess: put back a floor.db that you trust and raise its floors (signer state recover)`,
    );
  }
}

/** Something that `plan` looks at is red: nothing was made. */
export class PlanRefusedError extends CodedError {
  override readonly name = 'PlanRefusedError';
  readonly code = 'ERR_ROTATION_PLAN';
  readonly items: readonly PlanItem[];

  constructor(items: readonly PlanItem[]) {
    const lines = items.map(({ text, remedy }) =>
      remedy === undefined ? text : `${text} (${remedy})`,
    );
    super(`a rotation cannot begin: ${lines.join('; ')}`);
    this.items = items;
  }
}

/** A validator has no rotation that this could be done to. */
export class NoRotationError extends CodedError {
  override readonly name = 'NoRotationError';
  readonly code = 'ERR_NO_ROTATION';

  constructor(validator: string) {
    super(`${validator} has no rotation: signer keys rotate generate begins one`);
  }
}

/** A rule said no to what an operator wants of a rotation; the code is the rule's own. */
export class RotationRefusedError extends CodedError {
  override readonly name = 'RotationRefusedError';
  readonly code: `ERR_${string}`;

  constructor({ code, text }: Refusal) {
    super(text);
    this.code = code;
  }
}

/** The new key cannot sign now: nothing is proven or armed with it. */
export function newKeyAway(): RotationRefusedError {
  return refused(
    'ERR_KEY_NOT_IN_SERVICE',
    'the new key is not in service: signer status says why; put its file or device in order first',
  );
}

/** As a rule's own refusal, for what no rule can see. */
export function refused(code: `ERR_${string}`, text: string): RotationRefusedError {
  return new RotationRefusedError({ kind: 'refused', reason: 'invalid-request', code, text });
}

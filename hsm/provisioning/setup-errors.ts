/** Why a device was not set up, and what to do. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import { describeStep, type SetupStep } from './setup-plan.ts';

/** The device holds something, and nobody said that it may be destroyed. Nothing was changed. */
export class DeviceNotBlankError extends CodedError {
  override readonly name = 'DeviceNotBlankError';
  readonly code = 'ERR_DEVICE_NOT_BLANK';
  /** Ten digits, where the device let itself be asked. */
  readonly serial: string | undefined;

  constructor(
    { serial, found }: { readonly serial: string | undefined; readonly found: string },
    options?: ErrorOptions,
  ) {
    const name = serial === undefined ? 'this device' : `device ${serial}`;
    super(
      `${name} is not in its factory state (${found}), and setting it up would destroy what it holds. If that is wanted, name it: --reset-device ${serial ?? 'SERIAL'}, with --auth-key and --password-file of a key that may reset it (the admin's)`,
      options,
    );
    this.serial = serial;
  }
}

/** Another device answers than the one that was named. Nothing was changed. */
export class AnotherDeviceError extends CodedError {
  override readonly name = 'AnotherDeviceError';
  readonly code = 'ERR_ANOTHER_DEVICE';
  readonly expected: string;
  readonly actual: string;

  constructor({ expected, actual }: { readonly expected: string; readonly actual: string }) {
    super(`device ${actual} answers, not ${expected}: see which is plugged in there`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** A setup broke off. The message says in which state the device is, and how to go on. */
export class SetupInterruptedError extends CodedError {
  override readonly name = 'SetupInterruptedError';
  readonly code = 'ERR_SETUP_INTERRUPTED';
  readonly serial: string;
  /** What failed. */
  readonly step: SetupStep['kind'] | 'reset' | 'verify';

  constructor(
    where: { readonly serial: string; readonly step: SetupStep | 'reset' | 'verify' },
    options: { readonly cause: unknown },
  ) {
    const { serial, step } = where;
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `the setup of device ${serial} stopped: it could not ${nameOf(step)} (${reason}). ${stateAfter(step)}. To go on, run signer hsm setup again with --restore and the recovery phrase that was written`,
      options,
    );
    this.serial = serial;
    this.step = typeof step === 'string' ? step : step.kind;
  }
}

/** What a device has is neither the factory's nor follows from the phrase. */
export class SetupConflictError extends CodedError {
  override readonly name = 'SetupConflictError';
  readonly code = 'ERR_SETUP_CONFLICT';

  constructor(what: string) {
    super(
      `${what}, and it does not follow from this recovery phrase: take the right phrase, or start over with --reset-device`,
    );
  }
}

function nameOf(step: SetupStep | 'reset' | 'verify'): string {
  if (step === 'reset') return 'reset the device';
  if (step === 'verify') return 'verify what was made';
  return describeStep(step);
}

function stateAfter(step: SetupStep | 'reset' | 'verify'): string {
  if (step === 'verify') return 'Everything was made';
  if (step === 'reset') {
    return 'It may have been reset: then it opens with the password of the factory, which everybody knows. If it does not come back, unplug it and plug it in again';
  }
  switch (step.kind) {
    case 'put-temporary-key':
      return 'It opens with the password of the factory, which everybody knows, and guards nothing yet';
    case 'delete-factory-key':
      return 'It STILL OPENS with the password of the factory, which everybody knows, beside a temporary key; it guards nothing yet';
    case 'put-role':
    case 'put-wrap-key':
    case 'put-report':
      return 'The key of the factory is gone; a temporary key, whose password follows from the recovery phrase, opens it';
    case 'delete-temporary-key':
      return 'Everything was made, but the temporary key, which may do everything, may still be there';
  }
}

/** How the simulated device says no: a code, thrown inside the model and turned into `7f 0001 code`. */

/** The device's error codes, by the vendor's names for them. */
export const FAULT = {
  invalidCommand: 0x01,
  invalidData: 0x02,
  invalidSession: 0x03,
  authenticationFailed: 0x04,
  sessionsFull: 0x05,
  storageFailed: 0x07,
  wrongLength: 0x08,
  insufficientPermissions: 0x09,
  logFull: 0x0a,
  objectNotFound: 0x0b,
  invalidId: 0x0c,
  invalidOtp: 0x0f,
  objectExists: 0x11,
  algorithmDisabled: 0x12,
} as const;

/** The byte after `7f 0001`. */
export type FaultCode = (typeof FAULT)[keyof typeof FAULT];

/** A command ends with an error code. Never leaves the device. */
export class DeviceFault extends Error {
  override readonly name = 'DeviceFault';
  readonly code: FaultCode;

  constructor(code: FaultCode, options?: ErrorOptions) {
    super(`device error ${code.toString(16).padStart(2, '0')}`, options);
    this.code = code;
  }
}

/** Runs `action`; whatever it throws that is not a {@link DeviceFault} becomes one with `code`. */
export function orFault<T>(code: FaultCode, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof DeviceFault) throw error;
    throw new DeviceFault(code, { cause: error });
  }
}

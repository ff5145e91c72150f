import { expect, test } from 'vitest';
import { DeviceError, deviceError } from 'yubihsm/device-errors';

/** The vendor's table of error codes. */
const TABLE: readonly (readonly [number, string])[] = [
  [0x01, 'INVALID_COMMAND'],
  [0x02, 'INVALID_DATA'],
  [0x03, 'INVALID_SESSION'],
  [0x04, 'AUTHENTICATION_FAILED'],
  [0x05, 'SESSIONS_FULL'],
  [0x06, 'SESSION_FAILED'],
  [0x07, 'STORAGE_FAILED'],
  [0x08, 'WRONG_LENGTH'],
  [0x09, 'INSUFFICIENT_PERMISSIONS'],
  [0x0a, 'LOG_FULL'],
  [0x0b, 'OBJECT_NOT_FOUND'],
  [0x0c, 'INVALID_ID'],
  [0x0e, 'SSH_CA_CONSTRAINT_VIOLATION'],
  [0x0f, 'INVALID_OTP'],
  [0x10, 'DEMO_MODE'],
  [0x11, 'OBJECT_EXISTS'],
  [0x12, 'ALGORITHM_DISABLED'],
  [0xff, 'COMMAND_UNEXECUTED'],
  [0x0d, 'UNKNOWN_DEVICE_ERROR'],
  [0x13, 'UNKNOWN_DEVICE_ERROR'],
  [0x00, 'UNKNOWN_DEVICE_ERROR'],
];

test.each(TABLE)('the device error %i has a class of its own: %s', (deviceCode, code) => {
  const error = deviceError('SignEddsa', deviceCode);
  expect(error).toBeInstanceOf(DeviceError);
  expect(error).toMatchObject({
    code: `ERR_YUBIHSM_${code}`,
    deviceCode,
    command: 'SignEddsa',
    mayHaveRun: false,
    message: expect.stringMatching(/^SignEddsa: the device answers /),
  });
  expect(error.name).toBe(error.constructor.name);
});

test('a code that is not known is told by its number', () => {
  expect(deviceError('Echo', 0x2a).message).toContain('0x2a');
});

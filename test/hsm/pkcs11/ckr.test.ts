import {
  ckrAdvice,
  ckrText,
  isLoginUndecided,
  recoveryOf,
  remedyOfCkr,
} from '@privval/hsm/pkcs11/ckr';
import { CallFailedError } from '@privval/hsm/pkcs11/module-errors';
import { describe, expect, test } from 'vitest';

test.each([
  [0x0, 'CKR_OK (0x0)'],
  [0x5, 'CKR_GENERAL_ERROR (0x5)'],
  [0x32, 'CKR_DEVICE_REMOVED (0x32)'],
  [0xa0, 'CKR_PIN_INCORRECT (0xa0)'],
  [0x140, 'CKR_CURVE_NOT_SUPPORTED (0x140)'],
  [0x1b9, 'CKR_PUBLIC_KEY_INVALID (0x1b9)'],
  [0x203, 'CKR_KEY_EXHAUSTED (0x203)'],
  [0x8000_0001, 'CKR_VENDOR_DEFINED (0x80000001)'],
  [0x999, 'CKR_UNKNOWN (0x999)'],
])('the return value %d is shown as %s', (ckr, text) => {
  expect(ckrText(ckr)).toBe(text);
});

describe('within one request, once (hsm.md 7)', () => {
  test.each([
    ['the device is gone', 0x32],
    ['the token is gone', 0xe0],
    ['the device failed', 0x30],
    ['the session is unknown', 0xb3],
    ['the session was closed', 0xb0],
    ['an object handle is unknown', 0x82],
    ['the key handle is unknown', 0x60],
    ['nobody is logged in', 0x101],
    ['an earlier operation is unfinished', 0x90],
  ])('a new session is tried when %s', (_, ckr) => {
    expect(recoveryOf(ckr)).toBe('reopen');
  });

  test('the module is initialized when it says that it is not', () => {
    expect(recoveryOf(0x190)).toBe('initialize');
  });

  test.each([
    ['the PIN is wrong', 0xa0],
    ['the PIN is locked', 0xa4],
    ['anything else failed', 0x5],
    ['the message is too long', 0x21],
    ['the vendor says so', 0x8000_0001],
  ])('nothing is tried when %s', (_, ckr) => {
    expect(recoveryOf(ckr)).toBe('none');
  });
});

describe('a login', () => {
  test.each([
    ['a wrong PIN', 0xa0],
    ['a PIN of a wrong length', 0xa2],
    ['a locked PIN', 0xa4],
    // Yubico's module for an authentication key that is not there, and for a PIN of a wrong shape.
    ['an unknown object', 0x82],
    ['bad arguments', 0x7],
    ['a value of the vendor’s', 0x8000_0005],
  ])('that fails with %s is never tried again: tokens lock themselves', (_, ckr) => {
    expect(isLoginUndecided(ckr)).toBe(false);
  });

  test.each([
    ['the device is gone', 0x32],
    ['the token is gone', 0xe0],
    ['the session is lost', 0xb3],
    ['the module failed', 0x6],
  ])('came to no verdict about the PIN when %s', (_, ckr) => {
    expect(isLoginUndecided(ckr)).toBe(true);
  });
});

test.each([
  ['a device that is gone', 0x32, 'wait'],
  ['no free session', 0xb1, 'wait'],
  ['a failure without a name', 0x5, 'wait'],
  ['a full token', 0x31, 'repair'],
  ['a message that is too long', 0x21, 'repair'],
  ['a value of the vendor’s', 0x8000_0001, 'repair'],
] as const)('of %s the remedy is known', (_, ckr, remedy) => {
  expect(remedyOfCkr(ckr)).toBe(remedy);
  expect(new CallFailedError({ ckr, method: 'C_Sign' }).remedy).toBe(remedy);
});

test('a failed call is told with its name, its number, the function and what to do', () => {
  const { message } = new CallFailedError({ ckr: 0x140, method: 'C_GenerateKeyPair' });
  expect(message).toContain('C_GenerateKeyPair: CKR_CURVE_NOT_SUPPORTED (0x140)');
  expect(message).toContain(ckrAdvice(0x140));
});

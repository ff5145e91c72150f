import {
  assertMaySign,
  mayDrain,
  type RightsFacts,
  rightsWarnings,
} from '@privval/hsm/yubihsm-provider/signing-rights';
import { describe, expect, test } from 'vitest';
import { ALL_CAPABILITIES, type Capability } from 'yubihsm/objects/capability';
import type { ObjectInfo } from 'yubihsm/objects/object-info';

function authKey(...capabilities: readonly Capability[]): ObjectInfo {
  return {
    type: 'authentication-key',
    id: 4,
    label: 'validator',
    domains: [1],
    capabilities,
    delegatedCapabilities: [],
    algorithm: 'aes128-yubico-authentication',
    lengthBytes: 40,
    sequence: 0,
    origin: 'imported',
  };
}

const SERVES = authKey('sign-eddsa', 'get-log-entries');

describe('the rights of the authentication key that serves (S26)', () => {
  test.each<[string, Partial<RightsFacts> & { readonly authKey: ObjectInfo }, readonly RegExp[]]>([
    ['what serving needs', { authKey: SERVES }, []],
    [
      'the validator role as it is set up',
      {
        authKey: authKey(
          'sign-ecdsa',
          'sign-eddsa',
          'sign-attestation-certificate',
          'get-log-entries',
        ),
      },
      [],
    ],
    [
      'more than that',
      { authKey: authKey('sign-eddsa', 'get-log-entries', 'export-wrapped', 'delete-wrap-key') },
      [/0x0004 holds more than serving needs \(export-wrapped, delete-wrap-key\)/],
    ],
    [
      'everything',
      { authKey: authKey(...ALL_CAPABILITIES) },
      [/holds more than serving needs \(.* and \d+ more\)/],
    ],
    [
      'the factory’s password is still good',
      { authKey: SERVES, hasFactoryPassword: true },
      [/authentication key 1 still has the password of the factory/],
    ],
    ['it is not', { authKey: SERVES, hasFactoryPassword: false }, []],
    [
      'force-audit, and no right to drain the log',
      { authKey: authKey('sign-eddsa'), forceAudit: 'on' },
      [/lacks get-log-entries: the device will stop signing/],
    ],
    [
      'force-audit for good, and no right to drain the log',
      { authKey: authKey('sign-eddsa'), forceAudit: 'fixed' },
      [/lacks get-log-entries/],
    ],
    ['force-audit, and the right to drain', { authKey: SERVES, forceAudit: 'on' }, []],
    [
      'no force-audit, and no right to drain',
      { authKey: authKey('sign-eddsa'), forceAudit: 'off' },
      [],
    ],
    ['nobody knows, and no right to drain', { authKey: authKey('sign-eddsa') }, []],
  ])('%s', (_, facts, expected) => {
    const warnings = rightsWarnings({
      hasFactoryPassword: undefined,
      forceAudit: undefined,
      ...facts,
    });
    expect(warnings).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(warnings[index]).toMatch(pattern);
  });

  test('a missing right to sign is named', () => {
    expect(() => assertMaySign(SERVES)).not.toThrow();
    expect(() => assertMaySign(authKey('get-log-entries', 'sign-ecdsa'))).toThrow(
      expect.objectContaining({
        code: 'ERR_DEVICE_AUTH_KEY_UNSUITABLE',
        missing: 'sign-eddsa',
        message: expect.stringContaining('0x0004 lacks sign-eddsa'),
      }),
    );
  });

  test('draining is what get-log-entries allows', () => {
    expect(mayDrain(SERVES)).toBe(true);
    expect(mayDrain(authKey('sign-eddsa', 'get-opaque'))).toBe(false);
  });
});

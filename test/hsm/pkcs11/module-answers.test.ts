import { readAnswer } from '@privval/hsm/pkcs11/module-answers';
import type { RequestName } from '@privval/hsm/pkcs11/module-protocol';
import { Pkcs11Error } from '@privval/hsm/pkcs11/pkcs11-error';
import { errorRecord, reviveError } from '@privval/hsm/pkcs11/revive-error';
import { PinRefusedError, TokenNotFoundError } from '@privval/hsm/pkcs11/token-errors';
import { CodedError } from '@privval/proto/runtime/coded-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const NAMES: readonly RequestName[] = [
  'load',
  'list-tokens',
  'log-in',
  'list-keys',
  'open-key',
  'sign',
  'generate',
  'import',
  'remove',
  'close',
];
const body = new Uint8Array(0);
const key = {
  label: 'validator',
  id: '0064',
  type: 'ed25519',
  publicKey: 'ab'.repeat(32),
  canSign: true,
};
const token = { label: 'validators', serial: '1', manufacturer: 'm', model: 'x' };

describe('an answer of a module’s process', () => {
  test('is read when it is the answer to the question', () => {
    const frame = { header: { id: 3, ok: key }, body };
    expect(readAnswer(frame, { id: 3, name: 'open-key' }).value).toMatchObject(key);
  });

  test.each<[string, RequestName, unknown]>([
    ['to an earlier question', 'sign', { id: 2, ok: null }],
    ['without a number', 'sign', { ok: null }],
    ['that is a number', 'sign', 7],
    ['that is nothing', 'sign', null],
    ['with a key that is none', 'open-key', { id: 3, ok: 'validator' }],
    ['with a key without a label', 'open-key', { id: 3, ok: { ...key, label: 1 } }],
    [
      'with a public key of 31 bytes',
      'open-key',
      { id: 3, ok: { ...key, publicKey: 'ab'.repeat(31) } },
    ],
    ['with a list that is none', 'list-keys', { id: 3, ok: key }],
    ['with a token without a serial', 'list-tokens', { id: 3, ok: [{ ...token, serial: null }] }],
    ['with an error nobody knows', 'sign', { id: 3, error: { code: 'ERR_OTHER', details: {} } }],
    [
      'with an error that is inherited',
      'sign',
      { id: 3, error: { code: 'toString', details: {} } },
    ],
    ['with an error that is none', 'sign', { id: 3, error: 'ERR_PKCS11_TOKEN_GONE' }],
    [
      'with an error whose details are missing',
      'sign',
      { id: 3, error: { code: 'ERR_PKCS11_TOKEN_NOT_FOUND', details: {} } },
    ],
  ])('%s is an unexpected one', (_, name, header) => {
    expect(() => readAnswer({ header, body }, { id: 3, name })).toThrow(
      expect.objectContaining({ code: 'ERR_PKCS11_UNEXPECTED_ANSWER' }),
    );
  });

  test('never gives anything but an answer or a coded error', () => {
    const property = fc.property(fc.jsonValue(), fc.constantFrom(...NAMES), (ok, name) => {
      try {
        readAnswer({ header: { id: 1, ok }, body }, { id: 1, name });
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
      }
    });
    fc.assert(property);
  });
});

describe('an error', () => {
  test.each([
    new TokenNotFoundError({ token: 'a', labels: ['b', 'c'] }),
    new PinRefusedError({ ckr: 0xa0, method: 'C_Login' }),
  ])('comes through the pipe as it was: $code', (error) => {
    const revived = reviveError(JSON.parse(JSON.stringify(errorRecord(error))));
    expect(revived).toBeInstanceOf(Pkcs11Error);
    expect(revived).toMatchObject({
      code: error.code,
      name: error.name,
      message: error.message,
      remedy: error.remedy,
      details: error.details,
    });
  });

  test('of a stranger comes with its text', () => {
    expect(reviveError(errorRecord(new TypeError('no such method')))).toMatchObject({
      code: 'ERR_PKCS11_UNEXPECTED_ANSWER',
      message: expect.stringContaining('no such method'),
    });
  });

  test('with names from a token shows no control characters', () => {
    const { message } = new TokenNotFoundError({ token: 'a', labels: ['\u001b[2J\n'] });
    expect(message).toContain(String.raw`"\u001b[2J\n"`);
  });

  test('with many names tells ten of them', () => {
    const labels = Array.from({ length: 12 }, (_, i) => `token ${i}`);
    const { message } = new TokenNotFoundError({ token: 'a', labels });
    expect(message).toContain('"token 9" and 2 more');
    expect(message).not.toContain('token 10');
  });
});

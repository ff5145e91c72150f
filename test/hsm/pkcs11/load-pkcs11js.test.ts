import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '@privval/hsm/pkcs11/cryptoki';
import { loadModule } from '@privval/hsm/pkcs11/load-pkcs11js';
import { describe, expect, test } from 'vitest';

const HSM = join(import.meta.dirname, '../../../hsm');

/** What `require` throws. */
function notFound(name: string): Error {
  return Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:`), {
    code: 'MODULE_NOT_FOUND',
  });
}

describe('the optional binding', () => {
  test.each([
    ['is not installed', notFound('pkcs11js'), 'it is not installed'],
    ['was not compiled', notFound('./build/Release/pkcs11.node'), 'it was not compiled'],
    [
      'was compiled for another Node.js',
      Object.assign(new Error('compiled against a different Node.js version\nmore'), {
        code: 'ERR_DLOPEN_FAILED',
      }),
      'it does not load: compiled against a different Node.js version',
    ],
  ])('that %s gives one error that tells how to install it', (_, thrown, reason) => {
    const load = (): unknown =>
      loadModule('/vendor.so', () => {
        throw thrown;
      });
    expect(load).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_NOT_INSTALLED',
        remedy: 'repair',
        details: { reason },
        message: expect.stringContaining('npm rebuild pkcs11js'),
      }),
    );
  });

  test('that cannot load the vendor’s library names its path', () => {
    class PKCS11 {
      load(path: string): void {
        throw new Error(`${path}: cannot open shared object file`);
      }
    }
    expect(() => loadModule('/vendor.so', () => ({ PKCS11 }))).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_MODULE_UNLOADABLE',
        details: {
          modulePath: '/vendor.so',
          reason: '/vendor.so: cannot open shared object file',
        },
      }),
    );
  });

  test('costs nobody else anything: one file names it, and only a module’s own process has that (S32)', () => {
    const sources = globSync('**/*.ts', { cwd: HSM, exclude: (path) => /node_modules/.test(path) });
    const code = (path: string): string => readFileSync(join(HSM, path), 'utf8');
    const importers = (name: RegExp): readonly string[] =>
      sources.filter((path) => name.test(code(path)));
    expect(importers(/(from|import|require)\s*\(?\s*'pkcs11js'/)).toEqual([
      'pkcs11/load-pkcs11js.ts',
    ]);
    expect(importers(/'\.\/load-pkcs11js\.ts'/)).toEqual(['pkcs11/module-main.ts']);
    expect(importers(/(from|import)\s*\(?'\.\/module-main\.ts'/)).toEqual([]);
  });
});

describe('an error of the binding', () => {
  test.each([
    ['has its number as its code', Object.assign(new Error('CKR_DEVICE_ERROR'), { code: 0x30 })],
    ['has its number in its text', new Error('CKR_DEVICE_ERROR:48\n at somewhere')],
  ])('that %s is told by that number', (_, thrown) => {
    const failing = (): void =>
      call('C_FindObjects', () => {
        throw thrown;
      });
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_CALL_FAILED',
        details: { ckr: 0x30, method: 'C_FindObjects' },
      }),
    );
  });

  test('without a number is an unexpected answer', () => {
    const failing = (): void =>
      call('C_Sign', () => {
        throw new TypeError('Argument 1 has wrong type');
      });
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_UNEXPECTED_ANSWER',
        message: expect.stringContaining('C_Sign: Argument 1 has wrong type'),
      }),
    );
  });
});

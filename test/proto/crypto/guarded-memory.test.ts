import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { bytesFromHex, hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'privval-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const disposed = expect.objectContaining({ code: 'ERR_SECRET_DISPOSED' });

/** Bytes that would be recognised anywhere. */
const SECRET = `${'c0ffee'.repeat(10)}c0de`;

/** Everything a logger, an inspector or a serialiser could make of a value. */
function shown(value: object): string {
  return [
    inspect(value, { showHidden: true, depth: 10, getters: true, showProxy: true }),
    JSON.stringify(value, (_, member) =>
      ArrayBuffer.isView(member) ? [...(member as Uint8Array)] : member,
    ),
    String(value),
    Object.entries(Object.getOwnPropertyDescriptors(value)).join(),
  ].join('\n');
}

describe('guarded bytes', () => {
  test('are zero at first, hold what is put in, and give it back (S18)', () => {
    using guarded = GuardedBytes.alloc(3);
    guarded.use((bytes) => {
      expect([...bytes]).toEqual([0, 0, 0]);
      bytes.set([1, 2, 3]);
    });
    expect(guarded.use((bytes) => [...bytes])).toEqual([1, 2, 3]);
    expect(guarded.length).toBe(3);
  });

  test('end the process that touches them outside a use, instead of being read (S18)', async () => {
    const script = join(import.meta.dirname, 'touch-guarded-memory.ts');
    const run = (how: string) =>
      promisify(execFile)(
        '/bin/sh',
        ['-c', 'ulimit -c 0; exec "$0" "$1" "$2"', process.execPath, script, how],
        {
          cwd: folder,
        },
      );
    expect((await run('inside')).stdout).toBe('touched\n');
    await expect(run('outside')).rejects.toMatchObject({ signal: 'SIGSEGV', stdout: '' });
    // After a dispose the view has no bytes left: nothing to read, and no fault either.
    expect((await run('disposed')).stdout).toBe('no bytes\n');
  });

  test('can be used inside their own use', () => {
    using guarded = GuardedBytes.alloc(1);
    guarded.use((outer) => {
      guarded.use((inner) => inner.fill(7));
      expect(outer[0]).toBe(7);
    });
  });

  test('are released for the outer use too when the inner one throws', () => {
    using guarded = GuardedBytes.alloc(1);
    guarded.use((outer) => {
      expect(() =>
        guarded.use(() => {
          throw new RangeError('inner');
        }),
      ).toThrow(RangeError);
      outer.fill(9);
    });
    expect(guarded.use(([byte]) => byte)).toBe(9);
  });

  test('are a coded error once disposed, also when that happens in their own use', () => {
    const guarded = GuardedBytes.alloc(4);
    guarded.use((bytes) => {
      bytes.fill(5);
      guarded[Symbol.dispose]();
      // Still there for the call that runs.
      expect([...bytes]).toEqual([5, 5, 5, 5]);
      expect(() => guarded.use(() => undefined)).toThrow(disposed);
    });
    expect(() => guarded.use(() => undefined)).toThrow(disposed);
    guarded[Symbol.dispose]();
  });

  test('take an asynchronous use for a bug: it would outlive the access', () => {
    using guarded = GuardedBytes.alloc(4);
    expect(() => guarded.use(async () => undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_INVARIANT' }),
    );
  });

  test('leave nothing in the array they were taken from', () => {
    const bytes = bytesFromHex(SECRET);
    using guarded = GuardedBytes.take(bytes);
    expect(bytes).toEqual(new Uint8Array(32));
    expect(guarded.use(hexFromBytes)).toBe(SECRET);
  });

  test('show nothing to whatever walks objects (S18)', () => {
    using guarded = GuardedBytes.take(bytesFromHex(SECRET));
    expect(shown({ guarded })).not.toMatch(/192,\s*255|c0ffee/);
  });

  test('of a file are its bytes, whatever they are', () => {
    const path = join(folder, 'secret');
    writeFileSync(path, bytesFromHex(SECRET));
    using guarded = GuardedBytes.readFile(path, { maxBytes: 32 });
    expect(guarded?.use(hexFromBytes)).toBe(SECRET);
  });

  test('of a file are read from a descriptor that stays open', () => {
    const path = join(folder, 'secret');
    writeFileSync(path, utf8Bytes('once'));
    const file = openSync(path, 'r');
    using guarded = GuardedBytes.readDescriptor(file, { path, maxBytes: 32 });
    expect(guarded?.length).toBe(4);
    closeSync(file);
  });

  test('of a file that is too large are refused, one that is empty are none', () => {
    const path = join(folder, 'large');
    writeFileSync(path, new Uint8Array(33));
    expect(() => GuardedBytes.readFile(path, { maxBytes: 32 })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_TOO_LARGE', path, maxBytes: 32 }),
    );
    writeFileSync(path, '');
    expect(GuardedBytes.readFile(path, { maxBytes: 32 })).toBeUndefined();
    expect(() => GuardedBytes.readFile(join(folder, 'none'), { maxBytes: 32 })).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });

  test('of a file without a size of its own are limited all the same', () => {
    expect(() => GuardedBytes.readFile('/dev/zero', { maxBytes: 32 })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_TOO_LARGE' }),
    );
  });
});

describe('an Ed25519 secret key', () => {
  /** RFC 8032, 7.1, test 2. */
  const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';

  test('signs as RFC 8032 says', () => {
    using key = Ed25519SecretKey.fromSeed(bytesFromHex(SEED));
    expect(hexFromBytes(key.publicKey.bytes)).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    );
    expect(hexFromBytes(key.sign(Uint8Array.of(0x72)))).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  test('zeroes the seed it is made of, and gives it out only for the time of a call', () => {
    const seed = bytesFromHex(SEED);
    using key = Ed25519SecretKey.fromSeed(seed);
    expect(seed).toEqual(new Uint8Array(32));
    expect(key.exportSeed(hexFromBytes)).toBe(SEED);
  });

  test('leaves the guarded seed it is made of to its owner', () => {
    const seed = GuardedBytes.take(bytesFromHex(SEED));
    using key = Ed25519SecretKey.fromGuarded(seed);
    seed[Symbol.dispose]();
    expect(key.exportSeed(hexFromBytes)).toBe(SEED);
    using short = GuardedBytes.alloc(31);
    expect(() => Ed25519SecretKey.fromGuarded(short)).toThrow(
      expect.objectContaining({ code: 'ERR_INVARIANT' }),
    );
  });

  test('is another one each time it is generated', () => {
    const keys = Array.from({ length: 20 }, () => Ed25519SecretKey.generate());
    expect(new Set(keys.map((key) => hexFromBytes(key.publicKey.bytes))).size).toBe(20);
  });

  test('does not sign once disposed (S18)', () => {
    const key = Ed25519SecretKey.generate();
    key[Symbol.dispose]();
    expect(() => key.sign(new Uint8Array(1))).toThrow(disposed);
    expect(() => key.exportSeed(() => undefined)).toThrow(disposed);
  });

  test('shows its public key and nothing else (S18)', () => {
    using key = Ed25519SecretKey.fromSeed(bytesFromHex(SECRET));
    const text = shown({ key });
    expect(text).toContain('publicKey');
    expect(text).not.toMatch(/192,\s*255|c0ffee/);
  });
});

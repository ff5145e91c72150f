import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { openKeyFile } from '@privval/hsm/file/open-key-file';
import { checkAccess, readPassphraseFile, readSecretFile } from '@privval/hsm/file/secret-file';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE } from './known-key.ts';

const FILE = 0o100000;
const ROOT = { uid: 0, gid: 0 };
const SIGNER = { uid: 1000, gid: 1000 };

describe('who may touch a secret file', () => {
  test.each([
    ['its owner may read and write it', { ...SIGNER, mode: 0o600 }, 1000],
    ['its owner may only read it', { ...SIGNER, mode: 0o400 }, 1000],
    ['it is root’s own', { ...ROOT, mode: 0o600 }, 0],
    ['root gave it to this user by an access list', { ...ROOT, mode: 0o440 }, 1000],
    ['root mounted it for this user alone', { ...ROOT, mode: 0o400 }, 1000],
  ])('is fine when %s', (_, stats, uid) => {
    expect(() => checkAccess('/k', { ...stats, mode: FILE | stats.mode }, uid)).not.toThrow();
  });

  test.each([
    ['the group may read it', { ...SIGNER, mode: 0o640 }, 1000, "chmod 600 '/k'"],
    ['others may read it', { ...SIGNER, mode: 0o604 }, 1000, "chmod 600 '/k'"],
    ['others may write it', { ...SIGNER, mode: 0o602 }, 1000, "chmod 600 '/k'"],
    ['others may run it', { ...SIGNER, mode: 0o601 }, 1000, "chmod 600 '/k'"],
    [
      'root’s group may read it and the reader is root',
      { ...ROOT, mode: 0o440 },
      0,
      "chmod 600 '/k'",
    ],
    ['root’s group may write it', { ...ROOT, mode: 0o460 }, 1000, "chmod 600 '/k'"],
    ['root shares it with another group', { uid: 0, gid: 50, mode: 0o440 }, 1000, "chmod 600 '/k'"],
    ['it belongs to somebody else', { uid: 1001, gid: 1000, mode: 0o600 }, 1000, "chown 1000 '/k'"],
    [
      'it belongs to somebody else and root reads it',
      { uid: 1001, gid: 0, mode: 0o600 },
      0,
      "chown 0 '/k'",
    ],
  ])('is refused with the command that helps when %s', (_, stats, uid, command) => {
    expect(() => checkAccess('/k', { ...stats, mode: FILE | stats.mode }, uid)).toThrow(
      expect.objectContaining({
        code: 'ERR_SECRET_FILE_PERMISSIONS',
        command,
        message: expect.stringContaining(command),
      }),
    );
  });

  test('names a path with a quote in a command that a shell takes', () => {
    const path = "/it's";
    expect(() => checkAccess(path, { ...SIGNER, mode: FILE | 0o644 }, 1000)).toThrow(
      expect.objectContaining({ command: `chmod 600 '/it'\\''s'` }),
    );
  });

  test.each([0o640, 0o604, 0o644, 0o660])('a key file of mode %o is not opened', async (mode) => {
    using folder = new ScratchFolder();
    const path = folder.join('key.json');
    writeFileSync(path, KNOWN_KEY_FILE, { mode: 0o600 });
    await expect(openKeyFile(path)).resolves.toBeDefined();
    chmodSync(path, mode);
    await expect(openKeyFile(path)).rejects.toMatchObject({ code: 'ERR_SECRET_FILE_PERMISSIONS' });
  });

  test('what counts behind a symbolic link is the file it leads to', async () => {
    using folder = new ScratchFolder();
    const target = folder.join('..data-key.json');
    writeFileSync(target, KNOWN_KEY_FILE, { mode: 0o600 });
    symlinkSync(target, folder.join('key.json'));
    await expect(openKeyFile(folder.join('key.json'))).resolves.toBeDefined();
    chmodSync(target, 0o644);
    await expect(openKeyFile(folder.join('key.json'))).rejects.toMatchObject({
      code: 'ERR_SECRET_FILE_PERMISSIONS',
    });
  });
});

describe('a secret file', () => {
  test('that is missing, a folder, a pipe or empty is refused, without waiting', () => {
    using folder = new ScratchFolder();
    mkdirSync(folder.join('folder'), { mode: 0o700 });
    execFileSync('mkfifo', ['-m', '600', folder.join('pipe')]);
    writeFileSync(folder.join('empty'), '', { mode: 0o600 });
    for (const name of ['missing', 'folder', 'pipe', 'empty']) {
      expect(() => readSecretFile(folder.join(name), { maxBytes: 10 })).toThrow(
        expect.objectContaining({ code: 'ERR_SECRET_FILE_UNREADABLE', path: folder.join(name) }),
      );
    }
  });

  test('is read up to its largest size and refused beyond it', () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('ten'), '0123456789', { mode: 0o600 });
    using content = readSecretFile(folder.join('ten'), { maxBytes: 10 });
    expect(content.use((bytes) => new TextDecoder().decode(bytes))).toBe('0123456789');
    expect(() => readSecretFile(folder.join('ten'), { maxBytes: 9 })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_TOO_LARGE' }),
    );
  });
});

describe('a passphrase file', () => {
  test.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\n\n', 'hunter2\n'],
    ['hunter2\r\n', 'hunter2\r'],
    [' hunter2 \t', ' hunter2 \t'],
    ['\nhunter2', '\nhunter2'],
    ['ключ\u0000\n', 'ключ\u0000'],
  ])('%j means %j: one newline at the end is dropped, nothing else (S18)', (text, passphrase) => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), text, { mode: 0o600 });
    using read = readPassphraseFile(folder.join('p'));
    expect(read.use((bytes) => new TextDecoder().decode(bytes))).toBe(passphrase);
  });

  test('without a passphrase is refused', () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), '\n', { mode: 0o600 });
    expect(() => readPassphraseFile(folder.join('p'))).toThrow(
      expect.objectContaining({ code: 'ERR_EMPTY_PASSPHRASE' }),
    );
  });

  test('that others can read is refused', () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), 'hunter2', { mode: 0o600 });
    chmodSync(folder.join('p'), 0o644);
    expect(() => readPassphraseFile(folder.join('p'))).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_PERMISSIONS' }),
    );
  });
});

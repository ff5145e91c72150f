import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceSecrets } from '@privval/hsm/provisioning/device-secrets';
import { writeSecrets } from '@privval/hsm/provisioning/secret-folder';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const IN_FOLDER = { kind: 'folder' } as const;

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('the secrets of a device on disk (S18)', () => {
  test('are one file each, of mode 0600, in a folder of mode 0700', () => {
    using folder = new ScratchFolder();
    using secrets = DeviceSecrets.generate(new Uint8Array(32));
    const out = folder.join('device');
    const written = writeSecrets(secrets, { folder: out, phrase: IN_FOLDER });
    expect(readdirSync(out).sort()).toEqual([
      'admin.password',
      'auditor.password',
      'operator.password',
      'recovery-phrase.txt',
      'validator.password',
      'wrap-key.hex',
    ]);
    expect(modeOf(out)).toBe('700');
    for (const path of written) expect(modeOf(path)).toBe('600');
    const contentOf = (name: string) => readFileSync(join(out, name), 'utf8');
    expect(contentOf('admin.password')).toBe(contentOf('recovery-phrase.txt'));
    expect(contentOf('operator.password')).toMatch(/^kms-operator-password-1\S{32}\n$/);
    expect(contentOf('wrap-key.hex')).toMatch(/^[0-9a-f]{64}\n$/);
    using again = DeviceSecrets.fromPhraseFile(join(out, 'recovery-phrase.txt'));
    expect(writeSecrets(again, { folder: out, phrase: IN_FOLDER })).toEqual(written);
  });

  test('leave the phrase and the admin’s password out of the folder when the phrase has a file of its own', () => {
    using folder = new ScratchFolder();
    using secrets = DeviceSecrets.generate(new Uint8Array(32));
    const phraseFile = folder.join('phrase');
    const phrase = { kind: 'file', path: phraseFile } as const;
    writeSecrets(secrets, { folder: folder.join('device'), phrase });
    expect(readdirSync(folder.join('device')).sort()).toEqual([
      'auditor.password',
      'operator.password',
      'validator.password',
      'wrap-key.hex',
    ]);
    expect(modeOf(phraseFile)).toBe('600');
  });

  test('are never written over others', () => {
    using folder = new ScratchFolder();
    const out = folder.join('device');
    using first = DeviceSecrets.generate(new Uint8Array(32));
    using second = DeviceSecrets.generate(new Uint8Array(32));
    writeSecrets(first, { folder: out, phrase: IN_FOLDER });
    const before = readFileSync(join(out, 'recovery-phrase.txt'), 'utf8');
    expect(() => writeSecrets(second, { folder: out, phrase: IN_FOLDER })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_EXISTS' }),
    );
    expect(readFileSync(join(out, 'recovery-phrase.txt'), 'utf8')).toBe(before);
  });

  test('are not put into a folder that others can look into', () => {
    using folder = new ScratchFolder();
    using secrets = DeviceSecrets.generate(new Uint8Array(32));
    const out = folder.join("it's open");
    mkdirSync(out);
    chmodSync(out, 0o750);
    const write = (): unknown => writeSecrets(secrets, { folder: out, phrase: IN_FOLDER });
    expect(write).toThrow(expect.objectContaining({ code: 'ERR_SECRET_FILE_PERMISSIONS' }));
    expect(write).toThrow(`chmod 700 '${folder.path}/it'\\''s open'`);
    expect(readdirSync(out)).toEqual([]);
  });

  test('where a file is in the way of the folder, the error says so', () => {
    using folder = new ScratchFolder();
    using secrets = DeviceSecrets.generate(new Uint8Array(32));
    writeFileSync(folder.join('file'), '');
    const places = { folder: folder.join('file', 'device'), phrase: IN_FOLDER };
    expect(() => writeSecrets(secrets, places)).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_FILE_UNWRITABLE' }),
    );
  });
});

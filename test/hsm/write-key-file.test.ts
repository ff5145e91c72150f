import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE, KNOWN_PUBLIC_KEY_HEX, knownSecretKey } from './known-key.ts';

test('a key file is written as Go writes it, for its owner alone, whatever the umask', async () => {
  using folder = new ScratchFolder();
  using secret = knownSecretKey();
  const before = process.umask(0);
  try {
    await writeKeyFile(folder.join('open'), secret);
    process.umask(0o777);
    await writeKeyFile(folder.join('closed'), secret);
  } finally {
    process.umask(before);
  }
  for (const name of ['open', 'closed']) {
    expect(readFileSync(folder.join(name), 'utf8')).toBe(KNOWN_KEY_FILE);
    expect(statSync(folder.join(name)).mode & 0o777).toBe(0o600);
  }
  const { secret: read } = await readKeyFile(folder.join('open'));
  using key = read;
  expect(key.publicKey.bytes.toHex()).toBe(KNOWN_PUBLIC_KEY_HEX);
});

test('nothing is ever overwritten, not through a symbolic link either', async () => {
  using folder = new ScratchFolder();
  using secret = knownSecretKey();
  writeFileSync(folder.join('there'), 'precious', { mode: 0o600 });
  symlinkSync(folder.join('there'), folder.join('link'));
  symlinkSync(folder.join('nowhere'), folder.join('dangling'));
  for (const name of ['there', 'link', 'dangling']) {
    await expect(writeKeyFile(folder.join(name), secret)).rejects.toMatchObject({
      code: 'ERR_KEY_FILE_EXISTS',
      path: folder.join(name),
    });
  }
  expect(readFileSync(folder.join('there'), 'utf8')).toBe('precious');
  expect(readdirSync(folder.path).sort()).toEqual(['dangling', 'link', 'there']);
});

test('a place that cannot be written to is said, and nothing is left there', async () => {
  using folder = new ScratchFolder();
  using secret = knownSecretKey();
  await expect(writeKeyFile(folder.join('missing', 'k'), secret)).rejects.toMatchObject({
    code: 'ERR_KEY_FILE_UNWRITABLE',
  });
  expect(readdirSync(folder.path)).toEqual([]);
});

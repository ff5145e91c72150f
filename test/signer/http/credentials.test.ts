import { createHash } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Credential } from '@privval/signer/http/access';
import { Credentials } from '@privval/signer/http/credentials';
import {
  parseCredentials,
  printCredentials,
  readCredentials,
} from '@privval/signer/http/credentials-file';
import { newestTime } from '@privval/signer/http/newest-time';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { PEOPLE, tokenCredential, tokenOf } from './admin-rig.ts';

const HASH = 'ab'.repeat(32);

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'done';
  } catch (error) {
    return errorCode(error);
  }
}

describe('admin-credentials.toml', () => {
  test('is read as it is written', () => {
    const certificate: Credential = {
      name: 'panel',
      role: 'viewer',
      tokenSha256: undefined,
      certificateSha256: HASH,
      expires: '2027-01-31T00:00:00Z',
    };
    const people = [...PEOPLE, certificate];
    expect(parseCredentials(printCredentials(people), 'x')).toEqual(people);
    expect(parseCredentials(printCredentials([]), 'x')).toEqual([]);
  });

  test.each([
    ['no TOML', '[[credential'],
    ['an unknown table', '[admin]\nname = "a"'],
    [
      'an unknown key',
      `[[credential]]\nname = "a"\nrole = "viewer"\ntoken_sha256 = "${HASH}"\nadmin = "x"`,
    ],
    ['a token in clear', '[[credential]]\nname = "a"\nrole = "viewer"\ntoken = "secret"'],
    ['no name', `[[credential]]\nrole = "viewer"\ntoken_sha256 = "${HASH}"`],
    [
      'a name of the socket',
      `[[credential]]\nname = "local"\nrole = "viewer"\ntoken_sha256 = "${HASH}"`,
    ],
    [
      'a name with a line in it',
      `[[credential]]\nname = "a\\nb"\nrole = "viewer"\ntoken_sha256 = "${HASH}"`,
    ],
    ['an unknown role', `[[credential]]\nname = "a"\nrole = "root"\ntoken_sha256 = "${HASH}"`],
    ['neither token nor certificate', '[[credential]]\nname = "a"\nrole = "viewer"'],
    [
      'both',
      `[[credential]]\nname = "a"\nrole = "viewer"\ntoken_sha256 = "${HASH}"\ncertificate_sha256 = "${HASH}"`,
    ],
    ['a short hash', '[[credential]]\nname = "a"\nrole = "viewer"\ntoken_sha256 = "abcd"'],
    [
      'a day instead of a time',
      `[[credential]]\nname = "a"\nrole = "viewer"\ntoken_sha256 = "${HASH}"\nexpires = "2027-01-31"`,
    ],
    ['a list', 'credential = "a"'],
  ])('is refused with %s', (_what, text) => {
    expect(codeOf(() => parseCredentials(text, 'x'))).toBe('ERR_ADMIN_CREDENTIALS');
  });

  test('is refused with the same name, or the same token, twice', () => {
    const [vera] = PEOPLE;
    if (vera === undefined) throw new Error('nobody');
    for (const again of [vera, { ...vera, name: 'other' }]) {
      const text = printCredentials([vera, again]);
      expect(codeOf(() => parseCredentials(text, 'x'))).toBe('ERR_ADMIN_CREDENTIALS');
    }
  });

  test('S16: is refused when others may read it', () => {
    using folder = new ScratchFolder();
    const path = folder.join('c.toml');
    writeFileSync(path, printCredentials(PEOPLE));
    chmodSync(path, 0o640);
    expect(codeOf(() => readCredentials(path))).toBe('ERR_SECRET_FILE_PERMISSIONS');
  });
});

function rig(folder: ScratchFolder, people: readonly Credential[]) {
  const path = folder.join('c.toml');
  const write = (all: readonly Credential[] | string): void =>
    writeFileSync(path, typeof all === 'string' ? all : printCredentials(all), { mode: 0o600 });
  write(people);
  const clock = new ManualClock({ nowMs: Date.UTC(2026, 0, 1) });
  const logger = new RecordingLogger();
  const credentials = new Credentials({ clock, logger, newestTimeMs: newestTime({ clock }) }, path);
  return { write, clock, logger, credentials };
}

describe('a client certificate', () => {
  test('that has ended by the highest time ever seen is nobody, though the clock is set back', async () => {
    using folder = new ScratchFolder();
    const raw = Buffer.from('der');
    const certificateSha256 = createHash('sha256').update(raw).digest('hex');
    const { credentials, clock } = rig(folder, [
      {
        name: 'panel',
        role: 'viewer',
        tokenSha256: undefined,
        certificateSha256,
        expires: undefined,
      },
    ]);
    const certificate = { raw, validTo: 'Jan  1 00:01:00 2026 GMT' };
    expect(credentials.byCertificate(certificate)?.name).toBe('panel');
    await clock.advance(60_001);
    expect(credentials.byCertificate(certificate)).toBeUndefined();
    clock.setNow(Date.UTC(2025, 0, 1));
    expect(credentials.byCertificate(certificate)).toBeUndefined();
  });
});

describe('a token', () => {
  test('is its owner, and nothing else is', () => {
    using folder = new ScratchFolder();
    const { credentials } = rig(folder, PEOPLE);
    expect(credentials.byToken(tokenOf('oscar'))).toEqual({
      name: 'oscar',
      role: 'operator',
      via: 'token',
    });
    for (const wrong of ['', 'x', tokenOf('nobody'), `${tokenOf('oscar')}=`]) {
      expect(credentials.byToken(wrong)).toBeUndefined();
    }
  });

  test('that has expired is nobody, and a clock set back does not revive it', async () => {
    using folder = new ScratchFolder();
    const { credentials, clock } = rig(folder, [
      tokenCredential('oscar', 'operator', '2026-01-01T00:01:00Z'),
    ]);
    expect(credentials.byToken(tokenOf('oscar'))).toBeDefined();
    await clock.advance(60_000);
    expect(credentials.byToken(tokenOf('oscar'))).toBeUndefined();
    clock.setNow(Date.UTC(2025, 0, 1));
    expect(credentials.byToken(tokenOf('oscar'))).toBeUndefined();
  });

  test('counts as the file is now: added and taken away while the signer runs', async () => {
    using folder = new ScratchFolder();
    const { credentials, clock, write } = rig(folder, PEOPLE);
    write([...PEOPLE, tokenCredential('new', 'viewer')]);
    await clock.advance(1_000);
    expect(credentials.byToken(tokenOf('new'))?.role).toBe('viewer');
    write([]);
    await clock.advance(1_000);
    expect(credentials.byToken(tokenOf('oscar'))).toBeUndefined();
  });

  test('opens nothing while the file cannot be read, and does again after', async () => {
    using folder = new ScratchFolder();
    const { credentials, clock, write, logger } = rig(folder, PEOPLE);
    write('[[credential');
    await clock.advance(1_000);
    expect(credentials.byToken(tokenOf('oscar'))).toBeUndefined();
    expect(logger.lines.some(({ level }) => level === 'error')).toBe(true);
    write(PEOPLE);
    await clock.advance(1_000);
    expect(credentials.byToken(tokenOf('oscar'))).toBeDefined();
  });
});

import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { certify, createAuthority } from '@privval/signer/home/certificate';
import { Credentials } from '@privval/signer/http/credentials';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { writeKnownKey } from '../home/home-fixtures.ts';
import { cli } from './cli-runner.ts';

async function home(folder: ScratchFolder): Promise<string> {
  const path = folder.join('home');
  const key = ['--key-file', writeKnownKey(folder), '--floor-height', '4'];
  const node = ['--node', 'tcp://127.0.0.1:26659'];
  await cli(['init', '--home', path, '--chain-id', 'chain-1', ...node, ...key]);
  return path;
}

function credentialsIn(path: string): Credentials {
  const deps = { clock: systemClock, logger: silentLogger, newestTimeMs: () => systemClock.now() };
  return new Credentials(deps, path);
}

describe('signer admin', () => {
  test('token shows a token once, and keeps nothing but its hash, in a file of mode 0600', async () => {
    using folder = new ScratchFolder();
    const path = await home(folder);
    const made = await cli(['admin', 'token', 'panel', '--role', 'viewer', '--home', path]);
    expect(made.exitCode).toBe(0);
    expect(made.output).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(made.notes).toContain('credentials_file = ');
    const file = folder.join('home', 'admin-credentials.toml');
    expect(readFileSync(file, 'utf8')).not.toContain(made.output);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(credentialsIn(file).byToken(made.output)).toMatchObject({
      name: 'panel',
      role: 'viewer',
    });
  });

  test('token writes where signer.toml says, and its --out is for its user alone', async () => {
    using folder = new ScratchFolder();
    const path = await home(folder);
    appendFileSync(
      folder.join('home', 'signer.toml'),
      '\n[admin]\ncredentials_file = "who.toml"\n',
    );
    const out = folder.join('ada.token');
    const flags = ['--role', 'approver', '--out', out, '--expires', '90d', '--json'];
    const made = await cli(['admin', 'token', 'ada', ...flags, '--home', path]);
    expect(JSON.parse(made.output)).toMatchObject({
      tokenFile: out,
      name: 'ada',
      role: 'approver',
      expires: expect.stringMatching(/Z$/),
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const token = readFileSync(out, 'utf8').trim();
    expect(made.output).not.toContain(token);
    expect(credentialsIn(folder.join('home', 'who.toml')).byToken(token)?.name).toBe('ada');
  });

  test('certificate lets a client certificate in, revoke takes it out, list shows neither hash', async () => {
    using folder = new ScratchFolder();
    const path = await home(folder);
    const validity = { nowMs: Date.now(), years: 1 };
    const authority = createAuthority('clients', validity);
    const client = certify(authority, { ...validity, subject: 'x', use: 'client', hosts: [] });
    writeFileSync(folder.join('x.crt'), client.certificate);
    const flags = ['--role', 'operator', '--home', path];
    await cli(['admin', 'certificate', 'oscar', folder.join('x.crt'), ...flags]);
    const listed = await cli(['admin', 'list', '--json', '--home', path]);
    expect(JSON.parse(listed.output)).toEqual([
      { name: 'oscar', role: 'operator', by: 'certificate', expires: null },
    ]);
    expect((await cli(['admin', 'revoke', 'oscar', '--home', path])).exitCode).toBe(0);
    expect(JSON.parse((await cli(['admin', 'list', '--json', '--home', path])).output)).toEqual([]);
  });

  test.each([
    ['a name twice', ['token', 'panel', '--role', 'viewer'], 1, 'ERR_ADMIN_CREDENTIAL_NAME'],
    ['a name of the socket', ['token', 'local', '--role', 'viewer'], 1, 'ERR_ADMIN_CREDENTIALS'],
    ['an unknown role', ['token', 'x', '--role', 'root'], 2, 'ERR_USAGE'],
    ['no role', ['token', 'x'], 2, 'ERR_USAGE'],
    [
      'a day for a time',
      ['token', 'x', '--role', 'viewer', '--expires', '2027-01-31'],
      2,
      'ERR_USAGE',
    ],
    ['a name that is not there', ['revoke', 'nobody'], 1, 'ERR_ADMIN_CREDENTIAL_NAME'],
  ])('refuses %s, and the file stays as it was', async (_what, args, exitCode, code) => {
    using folder = new ScratchFolder();
    const path = await home(folder);
    await cli(['admin', 'token', 'panel', '--role', 'viewer', '--home', path]);
    const file = folder.join('home', 'admin-credentials.toml');
    const before = readFileSync(file, 'utf8');
    const refused = await cli(['admin', ...args, '--home', path]);
    expect([refused.exitCode, refused.notes]).toEqual([exitCode, expect.stringContaining(code)]);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});

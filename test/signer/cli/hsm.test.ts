import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { systemClock } from '@privval/proto/runtime/clock';
import { acquireHomeLock } from '@privval/signer/guard/home-lock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { LOG_SLOTS } from '../../harness/yubihsm-sim/device/audit-log.ts';
import {
  startYubiHsmSimulator,
  type YubiHsmSimulator,
} from '../../harness/yubihsm-sim/simulator.ts';
import { writeSecret } from '../home/home-fixtures.ts';
import { type CliResult, cli } from './cli-runner.ts';

/** The example that tmkms's own guide prints. */
const GUIDE_PHRASE =
  'double section release consider diet pilot flip shell mother alone what fantasy much answer lottery crew nut reopen stereo square popular addict just animal';

/** The seed of RFC 8032's first test as object 1, under the wrap key that follows from that phrase. */
const GUIDE_BACKUP =
  '000102030405060708090a0b0c748d4e6af7fbefa643b64d5de01cfb849ff17fe0d6ddeba81979957ce3eb8409f1a9e9be13f4b9f244a9d8c7ae154b84927d408c4ab42f9e9b4d208233897f3df015ac54c1c3af5e44df1fe7402facbd437843a07e4eb3353008a2410f1eedbb334c4f72fd614839da12e2698877e313c9c1a6b961973f0a0aea5880c6ad4310983ea0bc3c3d7f9cc90b6e4bcdd6f9aa6f6b8280ed03034b239993b9a67c1db17e484974d2a7c47df0ce81';

let folder: ScratchFolder;
let resources: AsyncDisposableStack;
let device: YubiHsmSimulator;

beforeEach(async () => {
  folder = new ScratchFolder();
  resources = new AsyncDisposableStack();
  resources.defer(() => folder[Symbol.dispose]());
  device = resources.use(await startYubiHsmSimulator());
});
afterEach(() => resources.disposeAsync());

/** `signer hsm …`, whose success is expected; its JSON. */
async function json(...args: readonly string[]): Promise<unknown> {
  const result = await hsm(...args, '--json');
  expect(result.notes).not.toContain('error:');
  expect(result.exitCode).toBe(0);
  return JSON.parse(result.output);
}

function hsm(...args: readonly string[]): Promise<CliResult> {
  return cli(['hsm', ...args]);
}

/** A role of the device that `setUp` made. */
function as(role: 'admin' | 'operator' | 'auditor' | 'validator', url = device.url): string[] {
  const id = { admin: '1', operator: '2', auditor: '3', validator: '0x0004' }[role];
  const password = folder.join('device', `${role}.password`);
  return ['--connector', url, '--auth-key', id, '--password-file', password];
}

async function setUp(): Promise<void> {
  await json('setup', '--connector', device.url, '--out', folder.join('device'));
}

/** A second device by the same phrase. */
async function setUpSpare(): Promise<YubiHsmSimulator> {
  const spare = resources.use(await startYubiHsmSimulator({}, { serial: 2 }));
  const restore = ['--restore', folder.join('device', 'recovery-phrase.txt')];
  await json('setup', '--connector', spare.url, ...restore);
  return spare;
}

describe('signer hsm setup', () => {
  test('makes the roles, and puts the secrets into files of mode 0600', async () => {
    const out = folder.join('device');
    const { output, notes, exitCode } = await hsm('setup', '--connector', device.url, '--out', out);
    expect(exitCode).toBe(0);
    expect(output).toContain('device 0007550140 is set up');
    expect(output).toContain(`--password-file ${out}/validator.password --generate`);
    expect(statSync(out).mode & 0o777).toBe(0o700);
    const phrase = readFileSync(folder.join('device', 'recovery-phrase.txt'), 'utf8').trim();
    const password = readFileSync(folder.join('device', 'operator.password'), 'utf8').trim();
    // Never on the screen (S18).
    for (const secret of [phrase, password, ...phrase.split(' ').slice(0, 2)]) {
      if (secret.length > 8) expect(output + notes).not.toContain(secret);
    }
  });

  test('does nothing without a place for the secrets', async () => {
    const { exitCode, notes } = await hsm('setup', '--connector', device.url);
    expect(exitCode).toBe(2);
    expect(notes).toContain('--out DIR');
    expect(device.device.state.store.all()).toHaveLength(1);
  });

  test('keeps the phrase out of the folder when it has a file of its own', async () => {
    const phrase = folder.join('phrase');
    const out = folder.join('device');
    const where = ['--out', out, '--recovery-phrase-file', phrase];
    const made = await json('setup', '--connector', device.url, ...where);
    expect(made).toMatchObject({
      serial: '0007550140',
      roles: [{ role: 'admin', authKeyId: 1, passwordFile: phrase }, {}, {}, {}],
    });
    expect(() => statSync(`${out}/admin.password`)).toThrow('ENOENT');
    expect(statSync(phrase).mode & 0o777).toBe(0o600);
  });

  test('refuses a device that is not blank, with exit code 2, and resets one that is named', async () => {
    await setUp();
    const again = ['setup', '--connector', device.url, '--out', folder.join('again')];
    const refused = await hsm(...again);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.notes).toContain('ERR_DEVICE_NOT_BLANK');
    const [, , ...admin] = as('admin');
    const other = await hsm(...again, ...admin, '--reset-device', '9');
    expect(other.notes).toContain('ERR_ANOTHER_DEVICE');
    const done = await json(...again, ...admin, '--reset-device', '7550140');
    expect(done).toMatchObject({ wasReset: true });
  });

  test('derives the secrets of a phrase without a device', async () => {
    await setUp();
    const restore = ['--restore', folder.join('device', 'recovery-phrase.txt'), '--derive-only'];
    await json('setup', ...restore, '--out', folder.join('derived'));
    for (const file of ['operator.password', 'validator.password', 'wrap-key.hex']) {
      expect(readFileSync(folder.join('derived', file), 'utf8')).toBe(
        readFileSync(folder.join('device', file), 'utf8'),
      );
    }
  });
});

describe('signer hsm detect and status', () => {
  test('detect names what is plugged in, and says when nothing is', async () => {
    expect(await json('detect', '--connector', device.url)).toMatchObject({
      connectorVersion: '3.0.7',
      device: { serial: '0007550140', firmware: '2.4.1', logTotal: LOG_SLOTS },
    });
    device.switches.unplug();
    expect(await json('detect', '--connector', device.url)).toMatchObject({ device: null });
    expect((await hsm('detect', '--connector', device.url)).output).toContain('none is plugged in');
  });

  test('a connector that is not there is said to be unreachable', async () => {
    const { exitCode, notes } = await hsm('detect', '--connector', 'http://127.0.0.1:1');
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_YUBIHSM_CONNECTOR_UNREACHABLE');
  });

  test('status warns of the password of the factory, and of rights a signer should not have', async () => {
    const password = writeSecret(folder, 'factory', 'password');
    const factory = ['--auth-key', '1', '--password-file', password];
    const before = await hsm('status', '--connector', device.url, ...factory);
    expect(before.notes).toContain('password of the factory');
    expect(before.notes).toContain('holds more than serving needs');
    await setUp();
    const after = await hsm('status', ...as('validator'));
    expect(after.notes).not.toContain('warning');
    expect(after.output).toContain('device       0007550140');
  });

  test('status shows options where the role may read them, and keys', async () => {
    await setUp();
    await json('keys', 'generate', '0x0064', ...as('operator'));
    expect(await json('status', ...as('auditor'))).toMatchObject({
      forceAudit: 'off',
      signatureAudit: 'off',
      authKey: { id: 3 },
      keys: [{ id: 100, idText: '0x0064', canSign: true, isExportable: true }],
    });
    expect(await json('status', ...as('validator'))).toMatchObject({
      forceAudit: null,
      warnings: [],
    });
  });

  test('a wrong password, and an authentication key that is not there, are named', async () => {
    const wrong = writeSecret(folder, 'wrong', 'not it');
    const to = ['--connector', device.url, '--password-file', wrong];
    const refused = await hsm('status', ...to, '--auth-key', '1');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.notes).toContain('ERR_YUBIHSM_WRONG_CREDENTIALS');
    const missing = await hsm('status', ...to, '--auth-key', '77');
    expect(missing.notes).toContain('ERR_YUBIHSM_AUTH_KEY_NOT_FOUND');
  });

  test.each([
    [['status'], '--auth-key ID'],
    [['status', '--provider', 'pkcs11'], '--module FILE'],
    [['status', '--token', 'x', '--auth-key', '1', '--password-file', 'f'], '--token goes with'],
    [['status', '--auth-key', '0', '--password-file', 'f'], 'no object id'],
    [['detect', '--connector', 'ftp://x'], 'http://HOST:PORT'],
    [['keys', 'generate', '99999', '--auth-key', '2', '--password-file', 'f'], 'no object id'],
  ])('%j is a mistake of the command line', async (args, text) => {
    const { exitCode, notes } = await hsm(...args);
    expect(notes).toContain(text);
    expect(exitCode).toBe(2);
  });
});

describe('signer hsm keys', () => {
  test('generate makes an Ed25519 key that signs and can be backed up, attested by the device', async () => {
    await setUp();
    const pem = folder.join('attestation.pem');
    const made = await json('keys', 'generate', '100', ...as('operator'), '--attestation', pem);
    expect(made).toMatchObject({
      serial: '0007550140',
      key: {
        idText: '0x0064',
        algorithm: 'ed25519',
        domains: [1],
        capabilities: ['sign-eddsa', 'exportable-under-wrap'],
        origin: 'generated',
        label: expect.stringMatching(/^consensus:20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
      attestation: { attested: true },
      backup: null,
    });
    expect(readFileSync(pem, 'utf8')).toContain('BEGIN CERTIFICATE');
  });

  test.each([0x01, 0x02, 0x09])(
    'a device that answers %i instead of an attestation has made the key all the same',
    async (code) => {
      await setUp();
      device.device.filterReplies((command, message) =>
        command === 0x64 ? { command: 0x7f, data: Uint8Array.of(code) } : message,
      );
      const pem = folder.join('attestation.pem');
      const args = [...as('operator'), '--attestation', pem];
      expect(await json('keys', 'generate', '100', ...args)).toMatchObject({
        key: { id: 100 },
        attestation: { attested: false, reason: expect.stringContaining('the device answers') },
      });
      expect(() => statSync(pem)).toThrow('ENOENT');
    },
  );

  test('an attestation of another key than the one the device shows is an error', async () => {
    await setUp();
    device.device.filterReplies((command, message) =>
      command === 0x54
        ? { ...message, data: message.data.map((byte, at) => (at ? 7 : byte)) }
        : message,
    );
    const { exitCode, notes } = await hsm('keys', 'generate', '100', ...as('operator'));
    expect(exitCode).toBe(1);
    expect(notes).toContain('it is about another public key');
    expect(notes).toContain('ERR_KEY_MADE_UNFINISHED');
  });

  test('generate with --non-exportable makes a key without a backup, ever', async () => {
    await setUp();
    const flags = ['--non-exportable', '--label', 'mine', '--domains', '1,3'];
    const made = await json('keys', 'generate', '7', ...as('operator'), ...flags);
    expect(made).toMatchObject({
      key: { capabilities: ['sign-eddsa'], label: 'mine', domains: [1, 3], isExportable: false },
    });
    const file = folder.join('key.wrap');
    const refused = await hsm('keys', 'export', '-i', '7', file, ...as('operator'));
    expect(refused.notes).toContain('ERR_DEVICE_KEY_UNSUITABLE');
    expect(() => statSync(file)).toThrow('ENOENT');
  });

  test('an id that is free is taken when none is given', async () => {
    await setUp();
    const made = await json('keys', 'generate', ...as('operator'));
    expect(made).toMatchObject({ key: { id: expect.any(Number) } });
    expect(await json('keys', 'list', ...as('validator'))).toHaveLength(1);
  });

  test('an id that is taken is refused, and nothing is overwritten', async () => {
    await setUp();
    const first = await json('keys', 'generate', '7', ...as('operator'));
    const { exitCode, notes } = await hsm('keys', 'generate', '7', ...as('operator'));
    expect(exitCode).toBe(1);
    expect(notes).toContain('ERR_YUBIHSM_OBJECT_EXISTS');
    expect(await json('keys', 'list', ...as('operator'))).toEqual([
      (first as { key: unknown }).key,
    ]);
  });

  test('a backup without a second device is said to be unverified', async () => {
    await setUp();
    const file = folder.join('key.wrap');
    const generated = ['keys', 'generate', '7', ...as('operator'), '--backup', file];
    const { notes, output, exitCode } = await hsm(...generated);
    expect(exitCode).toBe(0);
    expect(output).toContain('not verified');
    expect(notes).toContain('nobody knows whether it is good');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^[A-Za-z0-9+/]+=*\n$/);
  });

  test('S27: a backup is restored on the second device, its key compared and tried there', async () => {
    await setUp();
    const spare = await setUpSpare();
    const file = folder.join('key.wrap');
    const [, , ...operator] = as('operator');
    const second = ['--backup-connector', spare.url, ...renamed(operator, '--backup-')];
    const test = renamed(as('validator').slice(2), '--backup-test-');
    const args = [...as('operator'), '--backup', file, ...second, ...test];
    const { notes, output } = await hsm('keys', 'generate', '100', ...args);
    expect(output).toContain('verified on device 0000000002');
    expect(notes).toContain('Two devices hold this key now');
    const [key] = (await json('keys', 'list', ...as('operator'))) as { publicKeyHex: string }[];
    const [copy] = (await json('keys', 'list', ...as('operator', spare.url))) as {
      publicKeyHex: string;
      origin: string;
    }[];
    expect(copy?.publicKeyHex).toBe(key?.publicKeyHex);
    expect(copy?.origin).toBe('generated-then-wrapped');
  });

  test('a backup is not verified on the same device, and no key is made for nothing', async () => {
    await setUp();
    const second = [
      '--backup-connector',
      device.url,
      ...renamed(as('admin').slice(2), '--backup-'),
    ];
    const args = [...as('operator'), '--backup', folder.join('key.wrap'), ...second];
    const { exitCode, notes } = await hsm('keys', 'generate', '100', ...args);
    expect(exitCode).toBe(1);
    expect(notes).toContain('it is the same device, 0007550140 (ERR_BACKUP_UNVERIFIED)');
    expect(await json('keys', 'list', ...as('operator'))).toEqual([]);
  });

  test('two simulators of one serial are two devices: each has a key of its own', async () => {
    await setUp();
    const spare = resources.use(await startYubiHsmSimulator());
    const restore = ['--restore', folder.join('device', 'recovery-phrase.txt')];
    await json('setup', '--connector', spare.url, ...restore);
    const admin = renamed(as('admin').slice(2), '--backup-');
    const second = ['--backup-connector', spare.url, ...admin];
    const args = [...as('operator'), '--backup', folder.join('key.wrap'), ...second];
    expect(await json('keys', 'generate', '100', ...args)).toMatchObject({
      backup: { verifiedOn: '0007550140' },
    });
  });

  test('a backup that does not open on the second device is said to be bad; the key stays', async () => {
    await setUp();
    const other = resources.use(await startYubiHsmSimulator({}, { serial: 3 }));
    await json('setup', '--connector', other.url, '--out', folder.join('other'));
    const admin = ['--backup-auth-key', '1', '--backup-password-file'];
    const second = [
      '--backup-connector',
      other.url,
      ...admin,
      folder.join('other', 'admin.password'),
    ];
    const args = [...as('operator'), '--backup', folder.join('key.wrap'), ...second];
    const { exitCode, notes } = await hsm('keys', 'generate', '100', ...args);
    expect(exitCode).toBe(1);
    expect(notes).toContain('a wrapped object that another wrap key made');
    expect(notes).toContain('ERR_KEY_MADE_UNFINISHED');
    expect(await json('keys', 'list', ...as('operator'))).toHaveLength(1);
  });

  test('who cannot sign on the second device is asked for before a key is made', async () => {
    await setUp();
    const spare = await setUpSpare();
    const [, , ...operator] = as('operator');
    const second = ['--backup-connector', spare.url, ...renamed(operator, '--backup-')];
    const args = [...as('operator'), '--backup', folder.join('key.wrap'), ...second];
    const { notes } = await hsm('keys', 'generate', '100', ...args);
    expect(notes).toContain('lacks sign-eddsa: name another one');
    expect(await json('keys', 'list', ...as('operator'))).toEqual([]);
  });

  test('export and import carry a key from one device to another', async () => {
    await setUp();
    const spare = await setUpSpare();
    await json('keys', 'generate', '100', ...as('operator'), '--label', 'mine');
    const file = folder.join('key.wrap');
    await json('keys', 'export', '-i', '0x64', file, ...as('operator'));
    const imported = await hsm('keys', 'import', file, ...as('operator', spare.url));
    expect(imported.exitCode).toBe(0);
    expect(imported.notes).toContain('must never run again');
    const [key] = (await json('keys', 'list', ...as('operator', spare.url))) as unknown[];
    expect(key).toMatchObject({ id: 100, label: 'mine', origin: 'generated-then-wrapped' });
    const again = await hsm('keys', 'import', file, ...as('operator', spare.url));
    expect(again.notes).toContain('ERR_YUBIHSM_OBJECT_EXISTS');
  });

  test("a backup under the wrap key of tmkms's guide opens on a device by its phrase (hsm.md 3.9, 4.3)", async () => {
    const phrase = writeSecret(folder, 'guide', `${GUIDE_PHRASE}\n`);
    const out = folder.join('device');
    await json('setup', '--connector', device.url, '--restore', phrase, '--out', out);
    const blob = Buffer.from(GUIDE_BACKUP, 'hex').toString('base64');
    writeFileSync(folder.join('key.wrap'), `${blob}\n`);
    const imported = await json('keys', 'import', folder.join('key.wrap'), ...as('operator'));
    expect(imported).toMatchObject({
      key: {
        id: 1,
        label: 'validator',
        origin: 'imported-then-wrapped',
        publicKeyHex: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      },
    });
    await json('test', '1', ...as('validator'), '--count', '1');
  });

  test('import takes a priv_validator_key.json and a bare seed', async () => {
    await setUp();
    const seed = Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => i + 1));
    const bare = writeSecret(folder, 'seed', `${seed.toString('base64')}\n`);
    const plain = ['keys', 'generate', '--out', folder.join('key.json'), '--json'];
    const file = JSON.parse((await cli(plain)).output) as { publicKey: unknown };
    const json1 = await json(
      'keys',
      'import',
      folder.join('key.json'),
      '-i',
      '8',
      ...as('operator'),
    );
    expect(json1).toMatchObject({
      key: { id: 8, publicKey: file.publicKey, origin: 'imported', isExportable: true, label: '' },
    });
    const json2 = await json('keys', 'import', bare, '-t', 'base64', '-i', '9', ...as('operator'));
    expect(json2).toMatchObject({
      key: { publicKeyHex: '79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664' },
    });
  });

  test.each([
    ['nonsense', 'this is not base64!', 'ERR_YUBIHSM_MALFORMED_WRAP'],
    ['another wrap key’s', Buffer.alloc(184, 7).toString('base64'), 'ERR_YUBIHSM_INVALID_DATA'],
  ])('a backup that is %s is refused', async (_what, text, code) => {
    await setUp();
    writeFileSync(folder.join('key.wrap'), text);
    const { notes, exitCode } = await hsm(
      'keys',
      'import',
      folder.join('key.wrap'),
      ...as('operator'),
    );
    expect(notes).toContain(code);
    expect(exitCode).toBe(1);
  });

  test('backup, key and attestation files are never written over', async () => {
    await setUp();
    const there = folder.join('there');
    writeFileSync(there, 'precious');
    for (const flag of ['--backup', '--attestation']) {
      const result = await hsm('keys', 'generate', '7', ...as('operator'), flag, there);
      expect(result.notes).toContain('ERR_KEY_FILE_EXISTS');
    }
    expect(await json('keys', 'list', ...as('operator'))).toEqual([]);
    expect(readFileSync(there, 'utf8')).toBe('precious');
  });
});

describe('signer hsm test', () => {
  test('S27: signs messages that begin with byte 00, and says how long it took', async () => {
    await setUp();
    await json('keys', 'generate', '100', ...as('operator'));
    const result = await json('test', '100', ...as('validator'), '--count', '3');
    expect(result).toMatchObject({
      signatures: 3,
      latencyMs: { min: expect.any(Number), p99: expect.any(Number) },
    });
  });

  test('a key that is not there, and one that may not sign, are named', async () => {
    await setUp();
    await json('keys', 'generate', '100', ...as('operator'));
    expect((await hsm('test', '101', ...as('validator'))).notes).toContain(
      'ERR_DEVICE_KEY_MISSING',
    );
    const notAllowed = await hsm('test', '100', ...as('operator'));
    expect(notAllowed.notes).toContain('ERR_YUBIHSM_INSUFFICIENT_PERMISSIONS');
  });

  test('a signature that does not verify is an error', async () => {
    await setUp();
    await json('keys', 'generate', '100', ...as('operator'));
    device.switches.answerWrongly({ answer: { kind: 'wrong-signature' } });
    const { notes, exitCode } = await hsm('test', '100', ...as('validator'));
    expect(notes).toContain('ERR_CHECK_SIGNATURE_WRONG');
    expect(exitCode).toBe(1);
  });
});

describe('signer hsm audit', () => {
  async function home(): Promise<string> {
    const path = folder.join('home');
    const chain = ['--chain-id', 'chain-1', '--node', 'tcp://127.0.0.1:26659'];
    expect((await cli(['init', '--home', path, ...chain])).exitCode).toBe(0);
    return path;
  }

  test('drain stores the log and frees it; verify finds it whole', async () => {
    await setUp();
    const dir = await home();
    device.switches.fillLog();
    const drained = await json('audit', 'drain', '--home', dir, ...as('auditor'));
    expect(drained).toMatchObject({ serial: '0007550140', findings: [] });
    expect(device.device.state.log.used).toBeLessThan(5);
    const report = await json('audit', 'verify', '--home', dir);
    expect(report).toMatchObject({ tampered: [], breaks: [], noted: [] });
    expect((drained as { stored: number }).stored).toBeGreaterThan(50);
  });

  test('S31: verify shows a gap, with exit code 1', async () => {
    await setUp();
    const dir = await home();
    device.switches.fillLog();
    await json('audit', 'drain', '--home', dir, ...as('auditor'));
    device.switches.fillLog();
    const { log } = device.device.state;
    log.free(((log.read()[5] ?? 0) << 8) + (log.read()[6] ?? 0) + 3);
    const drained = await hsm('audit', 'drain', '--home', dir, ...as('auditor'));
    expect(drained.notes).toContain('ERR_DEVICE_LOG_GAP');
    const verified = await hsm('audit', 'verify', '--home', dir);
    expect(verified).toMatchObject({ exitCode: 1 });
    expect(verified.output).toContain('ERR_DEVICE_LOG_GAP');
    expect(verified.notes).toContain('ERR_DEVICE_LOG_SUSPECT');
  });

  test('drain is refused while the home is served, which drains by itself; verify is not', async () => {
    await setUp();
    const dir = await home();
    await json('audit', 'drain', '--home', dir, ...as('auditor'));
    const lock = { clock: systemClock, waitMs: 0, command: 'signer serve' };
    await using _served = await acquireHomeLock(`${dir}/home.lock`, lock);
    const { exitCode, notes } = await hsm('audit', 'drain', '--home', dir, ...as('auditor'));
    expect(exitCode).toBe(3);
    expect(notes).toContain('signer serve drains the logs of its devices by itself');
    expect(await json('audit', 'verify', '--home', dir)).toMatchObject({ tampered: [] });
  });

  test('a home without a device log says so', async () => {
    const { notes } = await hsm('audit', 'verify', '--home', await home());
    expect(notes).toContain('ERR_DEVICE_LOG_MISSING');
  });
});

/** `--auth-key` as `--backup-auth-key`. */
function renamed(flags: readonly string[], prefix: string): string[] {
  return flags.map((flag) => flag.replace(/^--/, prefix));
}

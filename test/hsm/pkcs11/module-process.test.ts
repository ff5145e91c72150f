import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ModuleProcess } from '@privval/hsm/pkcs11/module-process';
import type { TokenKey } from '@privval/hsm/pkcs11/module-protocol';
import { SharedModules } from '@privval/hsm/pkcs11/shared-modules';
import { describe, expect, onTestFinished, test } from 'vitest';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import {
  FAKE_KEY,
  FAKE_PIN,
  FAKE_PUBLIC_KEY,
  ModuleSubject,
  until,
} from '../../harness/module-subject.ts';

const PUBLIC_KEY = FAKE_PUBLIC_KEY.toHex();
const MESSAGE = new TextEncoder().encode('sign bytes');
const LIMITS = { timeoutMs: 700, queueTimeoutMs: 4_000 };
const SIGN = { do: 'sign', key: FAKE_KEY, publicKey: PUBLIC_KEY } as const;

function subject(token: ConstructorParameters<typeof ModuleSubject>[0] = {}): ModuleSubject {
  const fake = new ModuleSubject(token);
  onTestFinished(() => fake[Symbol.dispose]());
  return fake;
}

function start(
  fake: ModuleSubject,
  options: Partial<ConstructorParameters<typeof ModuleProcess>[1]> = {},
): ModuleProcess {
  const process = new ModuleProcess(fake, { ...fake.options, ...options });
  onTestFinished(() => process[Symbol.asyncDispose]());
  return process;
}

async function sign(
  process: ModuleProcess,
  options: { readonly message?: Uint8Array; readonly signal?: AbortSignal } = {},
): Promise<Uint8Array> {
  const { message = MESSAGE, signal } = options;
  const { body } = await process.run(SIGN, { ...LIMITS, body: message, signal });
  return body;
}

async function expectSigns(process: ModuleProcess): Promise<void> {
  expect(opensslVerifies(FAKE_PUBLIC_KEY, MESSAGE, await sign(process))).toBe(true);
}

/** As long as it takes to start a process: one that was started before would be there by now. */
async function timeToStart(): Promise<void> {
  using other = new ModuleSubject();
  await using module = new ModuleProcess(other, other.options);
  await expectSigns(module);
}

/** Why it was rejected. */
function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'it resolved',
    (error: unknown) => error,
  );
}

/** Whether it is there and not merely waiting to be buried. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the process of a module', () => {
  test('is started by the first request, and is one for many', async () => {
    const fake = subject();
    const module = start(fake);
    expect(fake.pids).toEqual([]);
    const messages = Array.from({ length: 20 }, (_, i) => new Uint8Array(100).fill(i + 1));
    const signatures = await Promise.all(messages.map((message) => sign(module, { message })));
    for (const [i, message] of messages.entries()) {
      const signature = signatures[i] ?? new Uint8Array(0);
      expect(opensslVerifies(FAKE_PUBLIC_KEY, message, signature)).toBe(true);
    }
    expect(fake.pids).toHaveLength(1);
    expect(fake.file.calls('C_Initialize')).toBe(1);
    expect(fake.file.calls('C_Login')).toBe(1);
  });

  test('gets the PIN by the pipe alone: it is in no argument and no variable (S18)', async () => {
    const fake = subject();
    await expectSigns(start(fake));
    for (const name of ['cmdline', 'environ']) {
      const shown = readFileSync(`/proc/${fake.pid}/${name}`, 'utf8');
      expect(shown).toContain('module');
      expect(shown).not.toContain(FAKE_PIN);
    }
  });

  test('cannot be debugged from outside, and takes no options from the environment (S17)', async () => {
    const fake = subject();
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = '--no-deprecation';
    try {
      const environment = { ...fake.options.environment, SOFTHSM2_CONF: '/own.conf' };
      await expectSigns(start(fake, { environment }));
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    }
    const environment = readFileSync(`/proc/${fake.pid}/environ`, 'utf8').split('\0');
    expect(environment).toContain('SOFTHSM2_CONF=/own.conf');
    expect(environment.filter((line) => line.startsWith('NODE_OPTIONS='))).toEqual([]);
    expect(readFileSync(`/proc/${fake.pid}/cmdline`, 'utf8')).toContain('--disable-sigusr1');
  });

  test('is not started for a PIN file that others can read (S18)', async () => {
    const fake = subject();
    chmodSync(fake.pinFile, 0o644);
    const module = start(fake);
    await expect(sign(module)).rejects.toMatchObject({ code: 'ERR_SECRET_FILE_PERMISSIONS' });
    expect(fake.file.calls('C_Initialize')).toBe(0);
    chmodSync(fake.pinFile, 0o600);
    await expectSigns(module);
  });

  test('ends when it is closed, after the module was finalized', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    const { pid } = fake;
    expect(isRunning(pid)).toBe(true);
    await module[Symbol.asyncDispose]();
    expect(isRunning(pid)).toBe(false);
    expect(fake.file.calls('C_Finalize')).toBe(1);
    await expect(sign(module)).rejects.toMatchObject({ code: 'ERR_PKCS11_CLOSED' });
  });

  test.each([
    ['waits for requests', 'nothing'],
    ['hangs in the vendor’s library', 'hang'],
  ] as const)('ends when the signer is killed while it %s', async (_, instead) => {
    const fake = subject();
    fake.file.order({ method: 'C_Sign', instead });
    const main = fileURLToPath(new URL('../../harness/module-owner-main.ts', import.meta.url));
    const args = [main, fake.file.path, fake.pinFile, PUBLIC_KEY];
    const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void owner.kill('SIGKILL'));
    const [line] = await once(owner.stdout, 'data');
    const { pid } = JSON.parse(String(line)) as { readonly pid: number };
    await until(() => fake.file.calls('C_Sign') > 0);
    expect(isRunning(pid)).toBe(true);
    owner.kill('SIGKILL');
    await until(() => !isRunning(pid));
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'is not ended by a %s that is meant for the signer',
    async (signal) => {
      const fake = subject();
      const module = start(fake);
      await expectSigns(module);
      process.kill(fake.pid, signal);
      await expectSigns(module);
      expect(fake.pids).toHaveLength(1);
    },
  );

  test('says what its library says, up to a limit', async () => {
    const fake = subject();
    const main = fake.writeMain(`
      for (let i = 0; i < 50; i++) console.error('line ' + i + ' ' + 'x'.repeat(1000));
      process.exit(3);
    `);
    const error = await refusalOf(sign(start(fake, { main })));
    expect(error).toMatchObject({
      code: 'ERR_PKCS11_MODULE_CRASHED',
      details: { modulePath: fake.file.path, how: 'exit code 3' },
    });
    await until(() => fake.logger.named('the PKCS#11 module says').length >= 20);
    const lines = fake.logger.named('the PKCS#11 module says').map(({ fields }) => fields['line']);
    expect(lines).toHaveLength(20);
    expect(lines.every((line) => String(line).length <= 500)).toBe(true);
  });
});

describe('a module that hangs (S32)', () => {
  test('is killed at the deadline of the request, and the next signature works', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    const { pid } = fake;
    fake.file.order({ method: 'C_Sign', instead: 'hang' });
    const asked = refusalOf(sign(module));
    await fake.untilHanging();
    await fake.clock.advance(699);
    expect(isRunning(pid)).toBe(true);
    await fake.clock.advance(1);
    expect(await asked).toMatchObject({
      code: 'ERR_PKCS11_MODULE_TIMEOUT',
      remedy: 'wait',
      details: { request: 'sign', limitMs: 700 },
    });
    await expectSigns(module);
    expect(isRunning(pid)).toBe(false);
    expect(fake.pids).toHaveLength(2);
  });

  test('is replaced at once: nobody has to ask for that', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 'hang' });
    const asked = refusalOf(sign(module));
    await fake.untilHanging();
    await fake.clock.advance(700);
    await asked;
    await fake.untilStarted(2);
    expect(fake.file.calls('C_Login')).toBe(2);
  });

  test('while it starts is killed then, and everybody in line is told', async () => {
    const fake = subject();
    fake.file.order({ method: 'C_Initialize', instead: 'hang' });
    const module = start(fake, { startTimeoutMs: 3_000 });
    const asked = [sign(module), sign(module)].map(refusalOf);
    await fake.untilHanging();
    await fake.clock.advance(3_000);
    for (const each of asked) {
      expect(await each).toMatchObject({
        code: 'ERR_PKCS11_MODULE_TIMEOUT',
        details: { request: 'start', limitMs: 3_000 },
      });
    }
    await expectSigns(module);
  });

  test('does not count against the one who waited behind it: a deadline runs from dispatch (S28)', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 'hang' });
    const first = refusalOf(sign(module));
    const second = sign(module);
    await fake.untilHanging();
    await fake.clock.advance(700);
    expect(await first).toMatchObject({ code: 'ERR_PKCS11_MODULE_TIMEOUT' });
    expect(opensslVerifies(FAKE_PUBLIC_KEY, MESSAGE, await second)).toBe(true);
  });
});

describe('a process that ends by itself', () => {
  test('in the middle of a signature fails that one alone (S32)', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 'crash' });
    expect(await refusalOf(sign(module))).toMatchObject({
      code: 'ERR_PKCS11_MODULE_CRASHED',
      remedy: 'wait',
      details: { how: 'SIGSEGV' },
    });
    await expectSigns(module);
  });

  test('while nobody asks is replaced, and nobody notices', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    await fake.killProcess();
    await expectSigns(module);
    expect(fake.pids).toHaveLength(2);
  });

  test('before it was of any use is not started again until somebody asks', async () => {
    const fake = subject();
    fake.file.order({ method: 'C_Sign', instead: 'crash', times: 2 });
    const module = start(fake);
    for (let i = 1; i <= 2; i++) {
      expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_MODULE_CRASHED' });
      await timeToStart();
      expect(fake.file.calls('C_Initialize')).toBe(i);
    }
    await expectSigns(module);
  });

  test('at its start is told to everybody in line, and started again for the next', async () => {
    const fake = subject();
    fake.file.order({ method: 'C_Login', instead: 'crash' });
    const module = start(fake);
    const asked = [sign(module), sign(module)].map(refusalOf);
    for (const each of asked) {
      expect(await each).toMatchObject({ code: 'ERR_PKCS11_MODULE_CRASHED' });
    }
    await expectSigns(module);
  });
});

describe('a fault of the token', () => {
  test('that time may mend begins the module anew: some never recover by themselves', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 0x5 });
    expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_CALL_FAILED' });
    await fake.untilStarted(2);
    await expectSigns(module);
    expect(fake.pids).toHaveLength(2);
  });

  test('that is gone is not looked for until somebody asks', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.unplug();
    for (let i = 0; i < 2; i++) {
      expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_TOKEN_NOT_FOUND' });
    }
    fake.file.plug();
    await expectSigns(module);
    expect(fake.pids).toHaveLength(2);
  });

  test.each([
    ['a message it does not sign', { ...SIGN }, new Uint8Array(101), 'ERR_PKCS11_MESSAGE_TOO_LONG'],
    [
      'a key it does not have',
      { do: 'open-key', key: { label: 'other' } } as const,
      undefined,
      'ERR_PKCS11_KEY_NOT_FOUND',
    ],
    [
      'another key than was meant',
      { ...SIGN, publicKey: 'ab'.repeat(32) },
      MESSAGE,
      'ERR_PKCS11_KEY_CHANGED',
    ],
  ] as const)(
    'that a person mends leaves the other keys in peace: %s',
    async (_, request, body, code) => {
      const fake = subject({ maxMessageBytes: 100 });
      const module = start(fake);
      await expectSigns(module);
      expect(await refusalOf(module.run(request, { ...LIMITS, body }))).toMatchObject({ code });
      await expectSigns(module);
      expect(fake.pids).toHaveLength(1);
    },
  );
});

/** A program that answers as a module does, until it is asked to sign. */
function program(onSign: string): string {
  const key: TokenKey = {
    label: 'validator',
    id: '0064',
    type: 'ed25519',
    publicKey: PUBLIC_KEY,
    canSign: true,
    isExtractable: false,
    isLocal: true,
  };
  const token = { label: 't', serial: '1', manufacturer: 'm', model: 'x' };
  return `
    import { readSync, writeSync } from 'node:fs';
    const answers = { 'log-in': ${JSON.stringify(token)}, 'open-key': ${JSON.stringify(key)} };
    function frame(header, body = Buffer.alloc(0)) {
      const text = Buffer.from(JSON.stringify(header));
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32BE(text.length, 0);
      lengths.writeUInt32BE(body.length, 4);
      return Buffer.concat([lengths, text, body]);
    }
    const say = (bytes) => writeSync(3, bytes);
    const piece = Buffer.alloc(65536);
    for (;;) {
      const length = readSync(0, piece);
      if (length === 0) break;
      const { id, request } = JSON.parse(piece.subarray(8, 8 + piece.readUInt32BE(0)));
      if (request.do === 'sign') { ${onSign} }
      else say(frame({ id, ok: answers[request.do] ?? null }));
    }
  `;
}

describe('an answer that cannot be ends the process that gave it', () => {
  test.each([
    ['text where a frame belongs', `say(Buffer.from('a vendor prints this here'));`],
    ['random bytes', `say(Buffer.from('${'9e'.repeat(40)}', 'hex'));`],
    ['an answer to another question', `say(frame({ id: id - 1, ok: null }));`],
    [
      'two answers at once',
      `say(Buffer.concat([frame({ id: 0, ok: null }), frame({ id, ok: null })]));`,
    ],
    ['an answer that is a number', `say(frame(7));`],
    ['an error that is none', `say(frame({ id, error: 'no' }));`],
    ['nothing but its end', `process.exit(0);`],
    ['half a frame and its end', `say(frame({ id, ok: null }).subarray(0, 9)); process.exit(0);`],
  ])('%s', async (_, onSign) => {
    const fake = subject();
    const main = fake.writeMain(program(onSign));
    const module = start(fake, { main });
    const { value } = await module.run({ do: 'open-key', key: FAKE_KEY }, LIMITS);
    expect(value.publicKey).toBe(PUBLIC_KEY);
    const { pid } = fake;
    expect(await refusalOf(sign(module))).toMatchObject({
      code: expect.stringMatching(/^ERR_PKCS11_(UNEXPECTED_ANSWER|MODULE_CRASHED)$/),
      remedy: 'wait',
    });
    // A new process answers; the old one is not there any more.
    await module.run({ do: 'open-key', key: FAKE_KEY }, LIMITS);
    expect(fake.pids).toHaveLength(2);
    expect(isRunning(pid)).toBe(false);
  });

  test('an answer nobody waits for any more', async () => {
    const fake = subject();
    const twice = `say(frame({ id, ok: null })); say(frame({ id, ok: null }));`;
    const module = start(fake, { main: fake.writeMain(program(twice)) });
    await module.run(SIGN, { ...LIMITS, body: MESSAGE });
    await fake.untilStarted(2);
    await module.run({ do: 'open-key', key: FAKE_KEY }, LIMITS);
  });

  test('a late answer reaches nobody: the process that gave it is gone', async () => {
    const fake = subject();
    // It answers the first question when the second one comes.
    const late = `globalThis.n ??= 0; if (globalThis.n++ > 0) say(frame({ id: id - 1, ok: null }));`;
    const module = start(fake, { main: fake.writeMain(program(late)) });
    await module.run({ do: 'open-key', key: FAKE_KEY }, LIMITS);
    const first = refusalOf(sign(module));
    await fake.clock.advance(700);
    expect(await first).toMatchObject({ code: 'ERR_PKCS11_MODULE_TIMEOUT' });
    await fake.untilStarted(2);
    const second = refusalOf(sign(module));
    await fake.clock.advance(700);
    expect(await second).toMatchObject({ code: 'ERR_PKCS11_MODULE_TIMEOUT' });
  });
});

describe('an asker who gives up', () => {
  test('while the module works ends the waiting and nothing else (S25)', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    const before = fake.file.calls('signature');
    const abort = new AbortController();
    const reason = { gone: 'away' };
    const asked = sign(module, { signal: abort.signal });
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await expectSigns(module);
    expect(fake.file.calls('signature')).toBe(before + 2);
    expect(fake.pids).toHaveLength(1);
  });

  test('in line is never seen by the module', async () => {
    const fake = subject();
    const module = start(fake);
    const abort = new AbortController();
    const first = sign(module);
    const second = sign(module, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await first;
    expect(fake.file.calls('C_Sign')).toBe(1);
  });

  test('before the module was started leaves it unstarted', async () => {
    const fake = subject();
    const reason = { gone: 'away' };
    await expect(sign(start(fake), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(fake.file.calls('C_Initialize')).toBe(0);
  });
});

describe('a line in front of a module', () => {
  test('that is full refuses, and says nothing against the key (S28)', async () => {
    const fake = subject();
    const module = start(fake, { maxQueued: 2 });
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 'hang' });
    const asked = [1, 2, 3].map(() => refusalOf(sign(module)));
    expect(await refusalOf(sign(module))).toMatchObject({
      code: 'ERR_PKCS11_BUSY',
      blamesKey: false,
    });
    await fake.untilHanging();
    await fake.clock.advance(700);
    expect(await asked[0]).toMatchObject({ code: 'ERR_PKCS11_MODULE_TIMEOUT' });
    expect(await asked[1]).toBe('it resolved');
  });

  test('that moves too slowly gives up by its own limit, not by the device’s (S28)', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.order({ method: 'C_Sign', instead: 'hang' });
    const limits = { timeoutMs: 30_000, queueTimeoutMs: 4_000, body: MESSAGE };
    const first = refusalOf(module.run(SIGN, limits));
    const second = refusalOf(module.run(SIGN, limits));
    await fake.untilHanging();
    await fake.clock.advance(4_000);
    expect(await second).toMatchObject({ code: 'ERR_PKCS11_BUSY', blamesKey: false });
    await fake.clock.advance(26_000);
    expect(await first).toMatchObject({ code: 'ERR_PKCS11_MODULE_TIMEOUT' });
  });

  test('is sent away when the module is closed; the request under way is finished', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    const first = sign(module);
    const second = refusalOf(sign(module));
    const closed = module[Symbol.asyncDispose]();
    expect(await second).toMatchObject({ code: 'ERR_PKCS11_CLOSED' });
    expect(opensslVerifies(FAKE_PUBLIC_KEY, MESSAGE, await first)).toBe(true);
    await closed;
    expect(fake.clock.pending).toBe(0);
  });
});

describe('a PIN that is refused', () => {
  test('is tried once, however many ask, and however often', async () => {
    const fake = subject({ pin: 'another' });
    const module = start(fake);
    const asked = [sign(module), sign(module)].map(refusalOf);
    for (const each of [...asked, refusalOf(sign(module))]) {
      expect(await each).toMatchObject({ code: 'ERR_PKCS11_PIN_REFUSED', remedy: 'restart' });
    }
    expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_PIN_REFUSED' });
    expect(fake.file.calls('C_Login')).toBe(1);
  });

  test('later on ends the process, which is not started again', async () => {
    const fake = subject();
    const module = start(fake);
    await expectSigns(module);
    fake.file.change({ pin: 'another' });
    fake.file.forgetSessions();
    expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_PIN_REFUSED' });
    expect(await refusalOf(sign(module))).toMatchObject({ code: 'ERR_PKCS11_PIN_REFUSED' });
    await until(() => !isRunning(fake.pid));
    await timeToStart();
    expect(fake.file.calls('C_Login')).toBe(2);
    expect(fake.file.calls('C_Initialize')).toBe(1);
  });
});

describe('keys of one token', () => {
  test('share a process, a login and a refused PIN; the last one out ends it', async () => {
    const fake = subject();
    const modules = new SharedModules(fake);
    const { login, ...rest } = fake.options;
    const first = modules.lease(fake.options);
    // The same options, written down in another order.
    const second = modules.lease({ login, ...rest });
    expect(second.process).toBe(first.process);
    await expectSigns(first.process);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await expectSigns(second.process);
    expect(fake.pids).toHaveLength(1);
    await second[Symbol.asyncDispose]();
    expect(isRunning(fake.pid)).toBe(false);
    await using third = modules.lease(fake.options);
    expect(third.process).not.toBe(first.process);
  });

  test('that are reached in another way do not', async () => {
    const fake = subject();
    const modules = new SharedModules(fake);
    await using first = modules.lease(fake.options);
    await using other = modules.lease({
      ...fake.options,
      environment: { SOFTHSM2_CONF: '/other' },
    });
    expect(other.process).not.toBe(first.process);
  });
});

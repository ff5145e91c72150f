/** Whatever a client sends, the device answers: no frame and no command makes the model fall over. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../harness/seeded-random.ts';
import { COMMANDS } from '../../harness/yubihsm-sim/commands/command-table.ts';
import { sealCcm } from '../../harness/yubihsm-sim/crypto/aes-ccm.ts';
import { generateRsaKey } from '../../harness/yubihsm-sim/crypto/rsa-key.ts';
import { ALL, byte, CODE, DeviceUnderTest, long, params, type RawSession } from './raw-session.ts';

const ENDINGS: ReadonlySet<number> = new Set([CODE.resetDevice, CODE.closeSession]);

/** `p‖q` of a 2048-bit key. */
const RSA_PRIMES = ((): string => {
  const { p, q } = generateRsaKey(256);
  return p.toHex() + q.toHex();
})();

/** One key or object of each kind under id 1, so that commands get beyond "not found". */
function populated(): RawSession {
  const session = new DeviceUnderTest().open();
  const text = (algorithm: number): string => params({ id: 1, capabilities: ALL, algorithm });
  session.data(CODE.putOpaque, `${text(31)}3003020101`);
  session.data(CODE.generateAsymmetricKey, text(12));
  session.data(CODE.generateWrapKey, text(42) + long(ALL));
  session.data(CODE.generateHmacKey, text(20));
  session.data(0x5e, `${text(36)}aa`);
  session.data(0x66, `${text(37)}01020304`);
  session.data(0x6e, text(52));
  session.data(0x73, text(9) + long(ALL) + 'c1'.repeat(256));
  session.data(CODE.generateAsymmetricKey, params({ id: 2, capabilities: ALL, algorithm: 46 }));
  const rsa = params({ id: 3, capabilities: ALL, algorithm: 9 });
  session.data(CODE.putAsymmetricKey, rsa + RSA_PRIMES);
  const rsaWrap = params({ id: 2, capabilities: ALL, algorithm: 9 });
  session.data(CODE.putWrapKey, rsaWrap + long(ALL) + RSA_PRIMES);
  return session;
}

/** Bytes that look like the beginning of a command: ids that exist, types, parameters, or nothing of it. */
function likelyData(random: SeededRandom): string {
  const id = (): string => `000${random.below(4)}`;
  const type = (): string => byte(random.below(11));
  const some = (most: number): string => random.bytes(random.below(most)).toHex();
  const algorithm = random.pick([12, 20, 29, 30, 36, 37, 38, 42, 46, 47, 49, 50, 99]);
  const beginning = random.pick([
    () => '',
    () => id(),
    () => id() + type(),
    () => id() + type() + id(),
    () => id() + type() + id() + byte(52) + byte(26) + byte(33),
    () => params({ id: random.below(4), capabilities: ALL, algorithm }),
    () => params({ id: 0, capabilities: ALL, algorithm }) + long(ALL),
    () => id() + byte(33),
  ])();
  const end = random.pick([0, 1, 4, 16, 32, 64, 80, 256, 300]);
  return beginning + (random.below(2) === 0 ? some(end + 1) : random.bytes(end).toHex());
}

describe('any data', () => {
  test.each([...COMMANDS.values()].filter(({ code }) => !ENDINGS.has(code)))(
    'is answered by $name, or refused with a code',
    ({ code }) => {
      const random = new SeededRandom(code);
      const session = populated();
      for (let times = 0; times < 60; times++) {
        const data = likelyData(random);
        const reply = session.run(code, data);
        expect(reply, data).toMatch(new RegExp(`^(${byte(code | 0x80)}|7f0001)`));
      }
    },
  );

  test('is answered when it lies under the right wrap key, and what came of it can be used', () => {
    const random = new SeededRandom(9);
    const session = new DeviceUnderTest().open();
    const key = random.bytes(32);
    const wrapKey = params({ id: 1, capabilities: ALL, algorithm: 42 }) + long(ALL) + key.toHex();
    session.data(CODE.putWrapKey, wrapKey);
    let imported = 0;
    for (let times = 0; times < 400; times++) {
      const body = random.bytes(random.pick([0, 5, 8, 32, 40, 72, 96, 128]));
      const type = byte(random.below(12));
      const kind = type + byte(random.pick([12, 20, 30, 38, 42, 46, 49, 52, 99]));
      const head = `2a${long(ALL)}0002${byte(0)}${byte(body.length)}0001${kind}0001`;
      const plaintext = Uint8Array.fromHex(head + '00'.repeat(40) + body.toHex());
      const nonce = random.bytes(13);
      const blob = nonce.toHex() + sealCcm(key, nonce, plaintext).toHex();
      const reply = session.run(CODE.importWrapped, `0001${blob}`);
      expect(reply).toMatch(/^(cb0003|7f0001)/);
      if (reply.startsWith('7f')) continue;
      imported += 1;
      for (const code of [CODE.getObjectInfo, CODE.getPublicKey, CODE.deleteObject]) {
        expect(session.run(code, `0002${type}`)).toMatch(/^(ce0042|d4|d8|7f0001)/);
      }
    }
    expect(imported).toBeGreaterThan(20);
    expect(session.run(CODE.listObjects)).toBe('c800080001020000010400');
  });

  test('is answered without a session, frame by frame', () => {
    const random = new SeededRandom(7);
    const { device } = new DeviceUnderTest();
    for (let times = 0; times < 3000; times++) {
      const frame = random.bytes(random.below(40));
      const length = Math.max(0, frame.length - 3);
      if (random.below(4) > 0) frame.set([random.below(12), 0, length].slice(0, frame.length));
      const { reply } = device.exchange(frame);
      expect(reply.length, frame.toHex()).toBe(3 + (reply[1] ?? 0) * 256 + (reply[2] ?? 0));
    }
  });
});

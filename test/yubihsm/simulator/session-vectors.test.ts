/** What the device's side of the sheet's vectors comes to (2.4, 2.5, 2.7). */
import { describe, expect, test } from 'vitest';
import { AsymmetricHandshake } from 'yubihsm/channel/asymmetric-handshake';
import { generateEcKey } from '../../harness/yubihsm-sim/crypto/ec-key.ts';
import { ASYMMETRIC, hex, SYMMETRIC } from '../channel/vectors.ts';
import { RFC_8032 } from '../known-bytes.ts';
import { ALL, bits, byte, CODE, DeviceUnderTest, long, params, RawSession } from './raw-session.ts';

const [, , RFC_TEST_3] = RFC_8032;

describe('the symmetric session of the sheet', () => {
  test('is opened and used by the device, byte for byte', () => {
    const simulation = new DeviceUnderTest();
    const session = simulation.open();
    session.data(
      CODE.putAsymmetricKey,
      params({ id: 0x64, capabilities: bits(8), algorithm: 46 }) + RFC_TEST_3?.seed.toHex(),
    );
    session.data(CODE.closeSession);

    simulation.nextRandom.push(hex(SYMMETRIC.cardChallenge));
    expect(simulation.plain(SYMMETRIC.createSession)).toBe(SYMMETRIC.createSessionReply);
    expect(simulation.plain(SYMMETRIC.authenticateSession)).toBe(
      SYMMETRIC.authenticateSessionReply,
    );
    for (const { what, request, reply } of SYMMETRIC.messages) {
      expect.soft(simulation.plain(request), what).toBe(reply);
    }
    expect(simulation.plain(SYMMETRIC.messages[0].request)).toBe('7f000103');
  });
});

describe('the asymmetric session of the sheet', () => {
  function withKey(): DeviceUnderTest {
    const simulation = new DeviceUnderTest();
    const { staticKey } = simulation.device.state.identity;
    const fromSheet = generateEcKey(staticKey.curve, () => hex(ASYMMETRIC.devicePrivateKey));
    simulation.device.become({ staticKey: fromSheet });
    simulation
      .open()
      .data(
        CODE.putAuthenticationKey,
        params({ id: ASYMMETRIC.authKeyId, capabilities: ALL, algorithm: 49 }) +
          long(0n) +
          ASYMMETRIC.hostPublicKey.slice(2),
      );
    simulation.open();
    return simulation; // two sessions are open, so that the next has id 2
  }

  test('shows the static key, which is to be pinned', () => {
    expect(withKey().plain('0a0000')).toBe(`8a004131${ASYMMETRIC.devicePublicKey.slice(2)}`);
  });

  test('is opened in one exchange, and its first message is the one of the sheet', () => {
    const simulation = withKey();
    simulation.nextRandom.push(hex(ASYMMETRIC.deviceEphemeralPrivateKey));
    const request = `0300${byte(0x43)}003f${ASYMMETRIC.hostEphemeralKey}`;
    expect(simulation.plain(request)).toBe(
      `83005202${ASYMMETRIC.deviceEphemeralKey}${ASYMMETRIC.receipt}`,
    );
    const echo = simulation.device.exchange(hex(ASYMMETRIC.echoHi));
    expect(echo.command).toBe(CODE.echo);
    expect(echo.reply.subarray(0, 4).toHex()).toBe('85001902');
  });

  test('works for any key that belongs to the object', () => {
    const simulation = withKey();
    const handshake = new AsymmetricHandshake({
      authKeyId: ASYMMETRIC.authKeyId,
      privateKey: hex(ASYMMETRIC.hostPrivateKey),
      devicePublicKey: hex(ASYMMETRIC.devicePublicKey),
      ephemeralPrivateKey: hex(ASYMMETRIC.hostEphemeralPrivateKey),
    });
    const channel = handshake.finish(simulation.device.exchange(handshake.createSession).reply);
    const session = new RawSession(simulation.device, channel);
    expect(session.run(CODE.echo, '6869')).toBe('8100026869');
  });

  test('is not there before firmware 2.3', () => {
    const simulation = new DeviceUnderTest({ firmware: { major: 2, minor: 2, patch: 0 } });
    expect(simulation.plain('0a0000')).toBe('7f000101');
    const put = params({ id: 9, algorithm: 49 }) + long(0n) + ASYMMETRIC.hostPublicKey.slice(2);
    expect(simulation.open().run(CODE.putAuthenticationKey, put)).toBe('7f000102');
  });

  test.each([
    ['a point that is not on the curve', `04${'01'.repeat(64)}`, '7f000102'],
    ['a point that is too short', '04'.repeat(64), '7f000108'],
    ['the eight bytes of a symmetric session', '00'.repeat(8), '7f000108'],
  ])('%s is refused', (_what, point, reply) => {
    const length = byte(2 + point.length / 2);
    expect(withKey().plain(`0300${length}003f${point}`)).toBe(reply);
  });
});

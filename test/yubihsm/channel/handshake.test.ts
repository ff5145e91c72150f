import { describe, expect, test } from 'vitest';
import {
  answerAsymmetricCreateSession,
  parseAsymmetricCreateSession,
} from 'yubihsm/channel/asymmetric-device-handshake';
import { AsymmetricHandshake } from 'yubihsm/channel/asymmetric-handshake';
import { deriveAsymmetricKeys } from 'yubihsm/channel/asymmetric-keys';
import { p256PublicKey, p256SharedSecret } from 'yubihsm/channel/p256';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import {
  parseCreateSession,
  SymmetricDeviceHandshake,
} from 'yubihsm/channel/symmetric-device-handshake';
import { SymmetricHandshake } from 'yubihsm/channel/symmetric-handshake';
import { ASYMMETRIC, DEFAULT_KEYS, hex, SYMMETRIC, utf8 } from './vectors.ts';

const defaultKeys = { encKey: hex(DEFAULT_KEYS.encKey), macKey: hex(DEFAULT_KEYS.macKey) };

function hostSide(keys = defaultKeys): SymmetricHandshake {
  const hostChallenge = hex(SYMMETRIC.hostChallenge);
  return new SymmetricHandshake({ authKeyId: SYMMETRIC.authKeyId, keys, hostChallenge });
}

describe('a symmetric handshake', () => {
  test('sends and takes the frames of the vector, and its channel goes on from them', () => {
    const handshake = hostSide();
    expect(handshake.createSession).toEqual(hex(SYMMETRIC.createSession));
    expect(handshake.receive(hex(SYMMETRIC.createSessionReply))).toEqual(
      hex(SYMMETRIC.authenticateSession),
    );
    expect(handshake.isDeviceAuthentic).toBe(true);
    const channel = handshake.finish(hex(SYMMETRIC.authenticateSessionReply));
    expect(channel.sessionId).toBe(0);
    const [echo] = SYMMETRIC.messages;
    const inner = hex(echo.inner);
    expect(channel.sealRequest({ command: 0x01, data: inner.subarray(3) })).toEqual(
      hex(echo.request),
    );
  });

  test('is answered by the device with the frames of the vector', () => {
    const request = parseCreateSession(hex(SYMMETRIC.createSession).subarray(3));
    expect(request).toEqual({ authKeyId: 1, hostChallenge: new Uint8Array(8) });
    const device = new SymmetricDeviceHandshake({
      keys: defaultKeys,
      sessionId: 0,
      hostChallenge: new Uint8Array(8),
      cardChallenge: hex(SYMMETRIC.cardChallenge),
    });
    expect(device.reply).toEqual(hex(SYMMETRIC.createSessionReply));
    const channel = device.authenticate(hex(SYMMETRIC.authenticateSession));
    expect(channel?.openRequest(hex(SYMMETRIC.messages[0].request))).toEqual({
      command: 0x01,
      data: utf8('Hello, world!'),
    });
  });

  test('with a wrong password lets the device know, and fails whatever it then says', () => {
    const handshake = hostSide(authenticationKeysFromPassword(utf8('passwort')));
    const second = handshake.receive(hex(SYMMETRIC.createSessionReply));
    expect(second).toHaveLength(20);
    expect(handshake.isDeviceAuthentic).toBe(false);
    for (const reply of ['840000', '7f000104', '']) {
      expect(() => handshake.finish(hex(reply))).toThrow(
        expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS', authKeyId: 1 }),
      );
    }
  });

  test('with a wrong password is refused by the device', () => {
    const device = new SymmetricDeviceHandshake({
      keys: authenticationKeysFromPassword(utf8('passwort')),
      sessionId: 0,
      hostChallenge: new Uint8Array(8),
      cardChallenge: hex(SYMMETRIC.cardChallenge),
    });
    expect(device.authenticate(hex(SYMMETRIC.authenticateSession))).toBeUndefined();
    expect(device.authenticate(hex('0400'))).toBeUndefined();
  });

  test('fails for every bit of the reply that is not as the device sent it', () => {
    const reply = hex(SYMMETRIC.createSessionReply);
    // The session id is not covered by the cryptogram: AuthenticateSession would go to another.
    for (let bit = 4 * 8; bit < reply.length * 8; bit++) {
      const handshake = hostSide();
      handshake.receive(flipped(reply, bit));
      expect(() => handshake.finish(hex('840000'))).toThrow(
        expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS' }),
      );
    }
  });

  test.each([
    ['nothing', '', 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['a cut frame', SYMMETRIC.createSessionReply.slice(0, -2), 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['a byte too many', `${SYMMETRIC.createSessionReply}00`, 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['a reply to something else', '840000', 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['the frame itself', SYMMETRIC.createSession, 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['too short a reply', '830001ff', 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['an error with two bytes', '7f00020b0b', 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['no such authentication key', '7f00010b', 'ERR_YUBIHSM_OBJECT_NOT_FOUND'],
    ['sessions full', '7f000105', 'ERR_YUBIHSM_SESSIONS_FULL'],
  ])('ends at a reply that is %s', (_, reply, code) => {
    expect(() => hostSide().receive(hex(reply))).toThrow(expect.objectContaining({ code }));
  });

  test.each([
    ['authentication failed', '7f000104', 'ERR_YUBIHSM_AUTHENTICATION_FAILED'],
    ['invalid session', '7f000103', 'ERR_YUBIHSM_INVALID_SESSION'],
    ['data that should not be', '84000100', 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['a repetition of the first', SYMMETRIC.createSessionReply, 'ERR_YUBIHSM_MALFORMED_REPLY'],
  ])('ends at a second reply that is %s, although the device is right', (_, reply, code) => {
    const handshake = hostSide();
    handshake.receive(hex(SYMMETRIC.createSessionReply));
    expect(() => handshake.finish(hex(reply))).toThrow(expect.objectContaining({ code }));
  });

  test('refuses keys and ids that are none', () => {
    const hostChallenge = new Uint8Array(8);
    const macKey = new Uint8Array(16);
    const wrong = { keys: { encKey: new Uint8Array(15), macKey }, authKeyId: 1, hostChallenge };
    const code = 'ERR_YUBIHSM_INVALID_REQUEST';
    expect(() => new SymmetricHandshake(wrong)).toThrow(expect.objectContaining({ code }));
    expect(
      () => new SymmetricHandshake({ ...wrong, keys: defaultKeys, authKeyId: 65_536 }),
    ).toThrow(expect.objectContaining({ code }));
  });
});

describe('an asymmetric handshake', () => {
  const start = () => ({
    authKeyId: ASYMMETRIC.authKeyId,
    privateKey: hex(ASYMMETRIC.hostPrivateKey),
    devicePublicKey: hex(ASYMMETRIC.devicePublicKey),
    ephemeralPrivateKey: hex(ASYMMETRIC.hostEphemeralPrivateKey),
  });
  const createSession = `030043003f${ASYMMETRIC.hostEphemeralKey}`;
  const reply = `83005202${ASYMMETRIC.deviceEphemeralKey}${ASYMMETRIC.receipt}`;

  test('derives public keys, secrets, session keys and receipt of the vector', () => {
    expect(p256PublicKey(hex(ASYMMETRIC.hostPrivateKey))).toEqual(hex(ASYMMETRIC.hostPublicKey));
    expect(p256PublicKey(hex(ASYMMETRIC.devicePrivateKey))).toEqual(
      hex(ASYMMETRIC.devicePublicKey),
    );
    const ephemeral = p256SharedSecret(
      hex(ASYMMETRIC.hostEphemeralPrivateKey),
      hex(ASYMMETRIC.deviceEphemeralKey),
    );
    const fixed = p256SharedSecret(hex(ASYMMETRIC.devicePrivateKey), hex(ASYMMETRIC.hostPublicKey));
    expect([ephemeral, fixed]).toEqual([
      hex(ASYMMETRIC.ephemeralSecret),
      hex(ASYMMETRIC.fixedSecret),
    ]);
    const derived = deriveAsymmetricKeys({
      ephemeral: hex(ASYMMETRIC.ephemeralSecret),
      fixed: hex(ASYMMETRIC.fixedSecret),
      deviceEphemeralKey: hex(ASYMMETRIC.deviceEphemeralKey),
      hostEphemeralKey: hex(ASYMMETRIC.hostEphemeralKey),
    });
    expect(derived).toEqual({
      keys: {
        encKey: hex(ASYMMETRIC.encKey),
        macKey: hex(ASYMMETRIC.macKey),
        rmacKey: hex(ASYMMETRIC.rmacKey),
      },
      receipt: hex(ASYMMETRIC.receipt),
    });
  });

  test.each([
    ['65 bytes', ASYMMETRIC.devicePublicKey],
    ['64 bytes, as key objects hold it', ASYMMETRIC.devicePublicKey.slice(2)],
  ])('sends and takes the frames of the vector; the pinned key has %s', (_, devicePublicKey) => {
    const handshake = new AsymmetricHandshake({
      ...start(),
      devicePublicKey: hex(devicePublicKey),
    });
    expect(handshake.createSession).toEqual(hex(createSession));
    const channel = handshake.finish(hex(reply));
    expect(channel.sessionId).toBe(2);
    expect(channel.sealRequest({ command: 0x01, data: utf8('hi') })).toEqual(
      hex(ASYMMETRIC.echoHi),
    );
  });

  test('is answered by the device with the frames of the vector', () => {
    const request = parseAsymmetricCreateSession(hex(createSession).subarray(3));
    expect(request?.authKeyId).toBe(0x3f);
    const answer = answerAsymmetricCreateSession({
      sessionId: 2,
      authPublicKey: hex(ASYMMETRIC.hostPublicKey.slice(2)),
      devicePrivateKey: hex(ASYMMETRIC.devicePrivateKey),
      ephemeralPrivateKey: hex(ASYMMETRIC.deviceEphemeralPrivateKey),
      hostEphemeralKey: request?.hostEphemeralKey ?? new Uint8Array(),
    });
    expect(answer?.reply).toEqual(hex(reply));
    expect(answer?.channel.openRequest(hex(ASYMMETRIC.echoHi)).data).toEqual(utf8('hi'));
  });

  test('fails for every bit of key and receipt that is not as the device sent it', () => {
    const bytes = hex(reply);
    for (let bit = 4 * 8; bit < bytes.length * 8; bit += 5) {
      const handshake = new AsymmetricHandshake(start());
      expect(() => handshake.finish(flipped(bytes, bit))).toThrow(
        expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS' }),
      );
    }
  });

  test.each([
    ['another private key', { privateKey: hex('12'.repeat(32)) }],
    ['another pinned device', { devicePublicKey: hex(ASYMMETRIC.hostPublicKey) }],
    ['a pinned key that is no point', { devicePublicKey: hex(`04${'01'.repeat(64)}`) }],
  ])('with %s fails at the receipt', (_, other) => {
    const handshake = new AsymmetricHandshake({ ...start(), ...other });
    expect(() => handshake.finish(hex(reply))).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_WRONG_CREDENTIALS', authKeyId: 0x3f }),
    );
  });

  test.each([
    ['a symmetric reply', SYMMETRIC.createSessionReply, 'ERR_YUBIHSM_MALFORMED_REPLY'],
    ['no such authentication key', '7f00010b', 'ERR_YUBIHSM_OBJECT_NOT_FOUND'],
    ['wrong length: firmware without it', '7f000108', 'ERR_YUBIHSM_WRONG_LENGTH'],
  ])('ends at a reply that is %s', (_, answer, code) => {
    const handshake = new AsymmetricHandshake(start());
    expect(() => handshake.finish(hex(answer))).toThrow(expect.objectContaining({ code }));
  });

  test('overwrites the ephemeral key', () => {
    const ephemeralPrivateKey = hex(ASYMMETRIC.hostEphemeralPrivateKey);
    const handshake = new AsymmetricHandshake({ ...start(), ephemeralPrivateKey });
    handshake.finish(hex(reply));
    expect(ephemeralPrivateKey).toEqual(new Uint8Array(32));
  });
});

/** A copy with one bit turned. */
function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

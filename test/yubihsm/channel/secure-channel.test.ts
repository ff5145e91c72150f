import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { aesCmac } from 'yubihsm/channel/aes-cmac';
import { SecureChannel } from 'yubihsm/channel/secure-channel';
import { decodeFrame, type Frame } from 'yubihsm/connector/frame';
import { hex, SYMMETRIC, utf8 } from './vectors.ts';

const SESSION_KEYS = [SYMMETRIC.encKey, SYMMETRIC.macKey, SYMMETRIC.rmacKey];

/** One end of the vector's session; both ends are the same thing. */
function channel(): SecureChannel {
  const keys = {
    encKey: hex(SYMMETRIC.encKey),
    macKey: hex(SYMMETRIC.macKey),
    rmacKey: hex(SYMMETRIC.rmacKey),
  };
  return new SecureChannel({ sessionId: 0, keys, chain: hex(SYMMETRIC.chain) });
}

function frame(text: string): Frame {
  const decoded = decodeFrame(hex(text));
  if (decoded === undefined) throw new TypeError(`${text} is no frame`);
  return decoded;
}

const ECHO = SYMMETRIC.messages[0];

describe('a secure channel', () => {
  test('seals and opens the messages of the vector, in both directions', () => {
    const host = channel();
    const device = channel();
    for (const [index, message] of SYMMETRIC.messages.entries()) {
      expect(host.counter).toBe(index + 1);
      const request = host.sealRequest(frame(message.inner));
      expect(request).toEqual(hex(message.request));
      expect(device.openRequest(request)).toEqual(frame(message.inner));
      const reply = device.sealReply(frame(message.innerReply));
      expect(reply).toEqual(hex(message.reply));
      expect(host.openReply(reply)).toEqual(frame(message.innerReply));
    }
  });

  test.each([0, 1, 12, 13, 28, 29, 2021, 3116])(
    'carries %i bytes of data there and back',
    (bytes) => {
      const host = channel();
      const device = channel();
      const data = new Uint8Array(bytes).map((_, index) => index);
      const request = host.sealRequest({ command: 0x6a, data });
      expect(request).toHaveLength(3 + 1 + 16 * Math.ceil((3 + bytes + 1) / 16) + 8);
      expect(device.openRequest(request)).toEqual({ command: 0x6a, data });
      const reply = device.sealReply({ command: 0xea, data });
      expect(host.openReply(reply)).toEqual({ command: 0xea, data });
    },
  );

  test('refuses a reply with any bit turned, and is wiped then', () => {
    const reply = hex(ECHO.reply);
    for (let bit = 0; bit < reply.length * 8; bit++) {
      const host = channel();
      host.sealRequest(frame(ECHO.inner));
      const altered = reply.slice();
      altered[bit >>> 3] = (altered[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => host.openReply(altered)).toThrow(
        expect.objectContaining({ code: 'ERR_YUBIHSM_UNTRUSTED_MESSAGE', mayHaveRun: true }),
      );
      expect(host.isClosed).toBe(true);
      expect(() => host.sealRequest(frame(ECHO.inner))).toThrow(
        expect.objectContaining({ code: 'ERR_YUBIHSM_INVARIANT' }),
      );
    }
  });

  test('refuses a reply cut anywhere, and one with bytes behind it', () => {
    const reply = hex(ECHO.reply);
    for (let length = 0; length < reply.length; length++) {
      const host = channel();
      host.sealRequest(frame(ECHO.inner));
      expect(() => host.openReply(reply.slice(0, length))).toThrow(
        expect.objectContaining({ flaw: 'frame' }),
      );
    }
    const host = channel();
    host.sealRequest(frame(ECHO.inner));
    expect(() => host.openReply(hex(`${ECHO.reply}00`))).toThrow(
      expect.objectContaining({ flaw: 'frame' }),
    );
  });

  test('refuses the reply to an earlier command', () => {
    const host = channel();
    host.sealRequest(frame(ECHO.inner));
    host.openReply(hex(ECHO.reply));
    host.sealRequest(frame(ECHO.inner));
    expect(() => host.openReply(hex(ECHO.reply))).toThrow(expect.objectContaining({ flaw: 'mac' }));
  });

  test('refuses its own request as the reply', () => {
    const host = channel();
    const request = host.sealRequest(frame(ECHO.inner));
    expect(() => host.openReply(request)).toThrow(expect.objectContaining({ flaw: 'command' }));
    const other = channel();
    other.sealRequest(frame(ECHO.inner));
    request[0] = 0x85;
    expect(() => other.openReply(request)).toThrow(expect.objectContaining({ flaw: 'mac' }));
  });

  test.each([
    ['no ciphertext', '85000900d7d7d7d7d7d7d7d7'],
    ['half a block', `85001100${'d7'.repeat(16)}`],
    ['nothing at all', '850000'],
  ])('refuses a reply with %s', (_, reply) => {
    const host = channel();
    host.sealRequest(frame(ECHO.inner));
    expect(() => host.openReply(hex(reply))).toThrow(expect.objectContaining({ flaw: 'length' }));
  });

  test.each([
    ['another command', '820000', 'inner-command'],
    ['the command itself, not its reply', '01000141', 'inner-command'],
    ['an error of two bytes', '7f00020b0b', 'inner-command'],
    ['an error of no byte', '7f0000', 'inner-command'],
  ])('refuses a well-made reply that contains %s', (_, inner, flaw) => {
    const host = channel();
    const device = channel();
    device.openRequest(host.sealRequest(frame(ECHO.inner)));
    expect(() => host.openReply(device.sealReply(frame(inner)))).toThrow(
      expect.objectContaining({ flaw }),
    );
  });

  test.each([
    ['no mark', '81000141000000000000000000000000', 'padding'],
    ['only zeros', '00000000000000000000000000000000', 'padding'],
    ['another mark', '81000141010000000000000000000000', 'padding'],
    ['bytes behind the mark', '81000141800000000000000000000001', 'padding'],
    ['a whole block too much', `81000141800000000000000000000000${'00'.repeat(16)}`, 'padding'],
    ['two marks', '81000141808000000000000000000000', 'inner-frame'],
    ['a length beyond the end', '81000241800000000000000000000000', 'inner-frame'],
    ['a length before the end', '81000041800000000000000000000000', 'inner-frame'],
    ['nothing but padding', '80000000000000000000000000000000', 'inner-frame'],
  ])('refuses a reply whose plaintext has %s', (_, plaintext, flaw) => {
    const host = channel();
    const request = host.sealRequest(frame(ECHO.inner));
    const reply = sealedByHand(request, hex(plaintext));
    expect(() => host.openReply(reply)).toThrow(expect.objectContaining({ flaw }));
  });

  test('opens a reply that is made by hand as those above are, with the right padding', () => {
    const host = channel();
    const request = host.sealRequest(frame(ECHO.inner));
    const reply = sealedByHand(request, hex('81000141800000000000000000000000'));
    expect(host.openReply(reply)).toEqual({ command: 0x81, data: utf8('A') });
  });

  test('refuses a reply of another session, even with a right MAC', () => {
    const host = channel();
    const request = host.sealRequest(frame(ECHO.inner));
    const reply = sealedByHand(request, hex('81000141800000000000000000000000'), 1);
    expect(() => host.openReply(reply)).toThrow(expect.objectContaining({ flaw: 'session-id' }));
  });

  test('on the device refuses a replayed and an altered request, and goes on with the right one', () => {
    const host = channel();
    const device = channel();
    const first = host.sealRequest(frame(ECHO.inner));
    device.openRequest(first);
    host.openReply(device.sealReply(frame(ECHO.innerReply)));
    expect(() => device.openRequest(first)).toThrow(expect.objectContaining({ flaw: 'mac' }));
    const second = host.sealRequest(frame(ECHO.inner));
    const altered = second.slice();
    altered[5] = (altered[5] ?? 0) ^ 1;
    expect(() => device.openRequest(altered)).toThrow(expect.objectContaining({ flaw: 'mac' }));
    expect(device.openRequest(second)).toEqual(frame(ECHO.inner));
  });

  test('takes turns: no second request before the reply, no reply before a request', () => {
    const code = 'ERR_YUBIHSM_INVARIANT';
    const host = channel();
    expect(() => host.openReply(hex(ECHO.reply))).toThrow(expect.objectContaining({ code }));
    host.sealRequest(frame(ECHO.inner));
    expect(() => host.sealRequest(frame(ECHO.inner))).toThrow(expect.objectContaining({ code }));
    expect(() => host.sealReply(frame(ECHO.innerReply))).toThrow(expect.objectContaining({ code }));
    expect(host.openReply(hex(ECHO.reply))).toEqual(frame(ECHO.innerReply));
  });

  test('wipes its keys when it is disposed', () => {
    const keys = {
      encKey: hex('11'.repeat(16)),
      macKey: hex('22'.repeat(16)),
      rmacKey: hex('33'.repeat(16)),
    };
    const chain = hex('44'.repeat(16));
    new SecureChannel({ sessionId: 0, keys, chain })[Symbol.dispose]();
    for (const bytes of [keys.encKey, keys.macKey, keys.rmacKey, chain]) {
      expect(bytes).toEqual(new Uint8Array(16));
    }
  });
});

/**
 * A reply made without the code under test, but for the CMAC: any plaintext, any session id, the
 * right MAC. It answers `request`, the first of the vector's session.
 */
function sealedByHand(request: Uint8Array, plaintext: Uint8Array, sessionId = 0): Uint8Array {
  const [encKey, macKey, rmacKey] = SESSION_KEYS.map(hex) as [Uint8Array, Uint8Array, Uint8Array];
  const chain = aesCmac(macKey, Buffer.concat([hex(SYMMETRIC.chain), request.subarray(0, -8)]));
  const iv = hex('c67a52b36bfe95925b19052ec6900afb');
  const cipher = createCipheriv('aes-128-cbc', encKey, iv).setAutoPadding(false);
  const encrypted = cipher.update(plaintext);
  const head = Uint8Array.of(0x85, 0, 1 + encrypted.length + 8, sessionId);
  const covered = Buffer.concat([head, encrypted]);
  const mac = aesCmac(rmacKey, Buffer.concat([chain, covered])).subarray(0, 8);
  return new Uint8Array(Buffer.concat([covered, mac]));
}

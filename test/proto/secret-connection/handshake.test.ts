import { createHash } from 'node:crypto';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { LOW_ORDER_POINTS, X25519KeyPair } from '@privval/proto/crypto/x25519';
import { bytesFromHex, hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { FrameOpener, FrameSealer } from '@privval/proto/secret-connection/frame-sealer';
import {
  decodeEphemeral,
  deriveKeys,
  deriveSecrets,
  encodeAuth,
  encodeEphemeral,
  verifyAuth,
} from '@privval/proto/secret-connection/handshake';
import { describe, expect, test } from 'vitest';
import { rawFrame } from '../../harness/raw-frame.ts';

/** Alice and Bob of spec/privval.md 4.5 (from tmkms-p2p's test vectors, completed there). */
const ALICE = {
  seed: 'a0d068d7c44e951610d54a7eb90279e8a31b61128d44d2dd92311763c468185c',
  publicKey: '8f5a716b651b628b3e6fffd28f8b1fafc765fcfca53f7cad89f4680585c76680',
  peerId: '53ac1ab90ae04fe50c1ed6293c1fde802858bf87',
  ephemeralSecret: 'a14d1fe92419d4e23b4007079439b497ae77494ccda0195ac1c70680bb460908',
  ephemeral: '2faa1fdf0320284c3f8aae4f30c89f02bffac563155ddd572e887214464f5463',
  auth: '660a220a208f5a716b651b628b3e6fffd28f8b1fafc765fcfca53f7cad89f4680585c7668012402735eb20c3f2b8d6643d761be7d873427ccbb83fd6f64d04e5cbf8a1fa523422dcbc17fe2fb831fcb378cf17136f19e67defaebbcbc06135df8a7471734e9406',
} as const;
const BOB = {
  seed: 'b07e65300419ce0b5d7274bcbc67fcfd3fb68272de9aa52a452a6889c7d33fd5',
  publicKey: '1ac739117419d70a79bc031b74a7dbcf3e1d6f82342693078d526ddbd41984c2',
  peerId: '538fa4f7576e09a9f076dcdd01447fe377f815f1',
  ephemeralSecret: 'b19aff79f5b8cd2f37d46b19e294364d843b1d820b0ac55ec72e9d4e7e04f041',
  ephemeral: 'b129035e9bfe7416c0288b0f0914faee07392ed5ce9073ee0d13ae6f7654f07a',
  auth: '660a220a201ac739117419d70a79bc031b74a7dbcf3e1d6f82342693078d526ddbd41984c21240fc9ecf23994aef6a1eae80ebb2fe10ac8784b9ec08cf1d17a19a5d87c1217e11430f955c7f6c213a7f00a9cecd181214c3ffc62b352417c775dec6c93b3d7f0a',
} as const;
const CHALLENGE = '70b010a2046dfb82686c3d99653b929c9b3f82dee346434b0265841916fe24c8';
const K0 = '0763a27fc021bc40ef098f0e7e56892a26a68cd8e14116793d7abef93dc9a25f';
const K1 = 'a34390198e6cd8ca13d3de08622412e789a8996785e3860953c4e7cd16959950';

const badHandshake = expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' });

describe('the first message', () => {
  test('is 220a20 and the key exchange key', () => {
    for (const party of [ALICE, BOB]) {
      const pair = X25519KeyPair.fromSecret(bytesFromHex(party.ephemeralSecret));
      expect(hexFromBytes(pair.publicKey)).toBe(party.ephemeral);
      expect(hexFromBytes(encodeEphemeral(pair.publicKey))).toBe(`220a20${party.ephemeral}`);
    }
  });

  test('is awaited until it is whole, and what follows it is not part of it', () => {
    const message = bytesFromHex(`220a20${BOB.ephemeral}ffff`);
    for (let length = 0; length < 35; length++) {
      expect(decodeEphemeral(message.subarray(0, length))).toBeUndefined();
    }
    expect(hexFromBytes(decodeEphemeral(message) ?? new Uint8Array(0))).toBe(BOB.ephemeral);
  });

  test.each([
    ['a key of 31 bytes', '210a1f'],
    ['a key of 33 bytes', '230a21'],
    ['no key', '00'],
    ['an empty key', '020a00'],
    ['another field', '221220'],
    ['a length that is no varint', 'ffffffffffffffffffffff'],
    ['a length written in two bytes', 'a2000a20'],
    ['a text protocol', '474554202f'],
  ])('is refused at its first wrong byte: %s', (_, hex) => {
    expect(() => decodeEphemeral(bytesFromHex(hex))).toThrow(badHandshake);
  });
});

describe('the key exchange', () => {
  test('gives Alice and Bob of the vectors their keys and challenge', () => {
    const alice = deriveSecrets(
      X25519KeyPair.fromSecret(bytesFromHex(ALICE.ephemeralSecret)),
      bytesFromHex(BOB.ephemeral),
    );
    const bob = deriveSecrets(
      X25519KeyPair.fromSecret(bytesFromHex(BOB.ephemeralSecret)),
      bytesFromHex(ALICE.ephemeral),
    );
    expect([alice.receiveKey, alice.sendKey, alice.challenge].map(hexFromBytes)).toEqual([
      K0,
      K1,
      CHALLENGE,
    ]);
    expect([bob.receiveKey, bob.sendKey, bob.challenge].map(hexFromBytes)).toEqual([
      K1,
      K0,
      CHALLENGE,
    ]);
  });

  /** TestDeriveSecretsAndChallengeGolden, the rows of spec/privval.md 4.4. */
  test.each([
    [
      '9fe4a5a73df12dbd8659b1d9280873fe993caefec6b0ebc2686dd65027148e03',
      true,
      '80a83ad6afcb6f8175192e41973aed31dd75e3c106f813d986d9567a4865eb2f',
      '96362a04f628a0666d9866147326898bb0847b8db8680263ad19e6336d4eed9e',
    ],
    [
      '0716764b370d543fee692af03832c16410f0a56e4ddb79604ea093b10bb6f654',
      false,
      '84f2b1e8658456529a2c324f46c3406c3c6fecd5fbbf9169f60bed8956a8b03d',
      'cba357ae33d7234520d5742102a2a6cdb39b7db59c14a58fa8aadd310127630f',
    ],
    [
      '358dd73aae2c5b7b94b57f950408a3c681e748777ecab2063c8ca51a63588fa8',
      false,
      'c2e2f664c8ee561af8e1e30553373be4ae23edecc8c6bd762d44b2afb7f2a037',
      'd1563f428ac1c023c15d8082b2503157fe9ecbde4fb3493edd69ebc299b4970c',
    ],
    [
      '0958308bdb583e639dd399a98cd21077d834b4b5e30771275a5a73a62efcc7e0',
      false,
      '523c0ae97039173566f7ab4b8f271d8d78feef5a432d618e58ced4f80f7c1696',
      'c1b743401c6e4508e62b8245ea7c3252bbad082e10af10e80608084d63877977',
    ],
    [
      'd93d134e72f58f177642ac30f36b2d3cd4720aa7e60feb1296411a9009cf4524',
      false,
      '47a427bcc1ef6f0ce31dbf343bc8bbf49554b4dd1e2330fd97d0df23ecdbba10',
      '73e23adb7801179349ecf9c8cdf64d71d64a9f1145ba6730e5d029f99eaf8840',
    ],
    [
      '6104474c791cda24d952b356fb41a5d273c0ce6cc87d270b1701d0523cd5aa13',
      true,
      '1cb4397b9e478430321af4647da2ccbef62ff8888542d31cca3f626766c8080f',
      '673b23318826bd31ad1a4995c6e5095c4b092f5598aa0a96381a3e977bc0eaf9',
    ],
    [
      '8a6002503c15cab763e27c53fc449f6854a210c95cdd67e4466b0f2cb46b629c',
      false,
      'f01ff06aef356c87f8d2646ff9ed8b855497c2ca00ea330661d84ef421a67e63',
      '4f59bb23090010614877265a1597f1a142fa97b7208e1d554435763505f36f6a',
    ],
    [
      '31a57c6b1fe33beb1f7ebbbfc06d58c4f307cd355b6f9753e58f3edec16c7559',
      false,
      '13e126c4cb240349dccf0dc843977671d34a1daffd0517d06ed66b703344db22',
      'd491431906a306af45ecf9f1977e32d7f65a79f5139f931760416de27554b687',
    ],
  ] as const)(
    'derives from the shared secret %s, being the lower: %s, the golden keys',
    (shared, lower, receive, send) => {
      const keys = deriveKeys(bytesFromHex(shared), lower);
      expect(hexFromBytes(keys.receiveKey)).toBe(receive);
      expect(hexFromBytes(keys.sendKey)).toBe(send);
    },
  );

  test('derives the keys of the separate vector of 4.5', () => {
    const keys = deriveKeys(
      bytesFromHex('d28c3fcbdb42e28d940d3823103d379693c3724a25d96e9f0524a7306b43ca44'),
      true,
    );
    expect(hexFromBytes(keys.receiveKey)).toBe(
      '6083a1a00e5ea92cdc380c55013f3c87d87ade022666fd5aad4ae3a1530d0885',
    );
    expect(hexFromBytes(keys.sendKey)).toBe(
      '4de5c254243a6a7b52fafd0b0c4db59175975cd435e99b7f758265aaaeeea063',
    );
  });

  test.each([...LOW_ORDER_POINTS])(
    'refuses the low-order key %s, with its top bit set too',
    (point) => {
      expect(LOW_ORDER_POINTS.size).toBe(7);
      const pair = X25519KeyPair.generate();
      for (const top of [0, 0x80]) {
        const peer = bytesFromHex(point);
        peer[31] = (peer[31] ?? 0) | top;
        expect(() => deriveSecrets(pair, peer)).toThrow(
          expect.objectContaining({ code: 'ERR_LOW_ORDER_POINT' }),
        );
      }
    },
  );

  test('refuses a peer that mirrors our own key', () => {
    const pair = X25519KeyPair.generate();
    expect(() => deriveSecrets(pair, pair.publicKey.slice())).toThrow(badHandshake);
  });

  test('leaves no secret in a disposed key pair', () => {
    const secret = bytesFromHex(ALICE.ephemeralSecret);
    X25519KeyPair.fromSecret(secret)[Symbol.dispose]();
    expect(secret).toEqual(new Uint8Array(32));
  });
});

describe('the second message', () => {
  test('is, for Alice and Bob, the one of the vectors', () => {
    for (const party of [ALICE, BOB]) {
      const identity = Ed25519SecretKey.fromSeed(bytesFromHex(party.seed));
      expect(hexFromBytes(identity.publicKey.bytes)).toBe(party.publicKey);
      expect(nodeIdFromPublicKey(identity.publicKey)).toBe(party.peerId);
      const message = encodeAuth(identity.publicKey, identity.sign(bytesFromHex(CHALLENGE)));
      expect(hexFromBytes(message)).toBe(party.auth);
      expect(verifyAuth(message, bytesFromHex(CHALLENGE))).toEqual(identity.publicKey);
    }
  });

  test('is awaited until it is whole', () => {
    const message = bytesFromHex(ALICE.auth);
    for (let length = 0; length < 103; length++) {
      expect(verifyAuth(message.subarray(0, length), bytesFromHex(CHALLENGE))).toBeUndefined();
    }
  });

  test('is refused when any byte of it is changed', () => {
    for (let i = 0; i < 103; i++) {
      const message = bytesFromHex(ALICE.auth);
      message[i] = (message[i] ?? 0) ^ 0x01;
      expect(() => verifyAuth(message, bytesFromHex(CHALLENGE))).toThrow(
        expect.objectContaining({
          code: i < 5 || i === 37 || i === 38 ? 'ERR_BAD_HANDSHAKE' : 'ERR_IDENTITY_PROOF',
        }),
      );
    }
  });

  test('is refused for another challenge', () => {
    expect(() => verifyAuth(bytesFromHex(ALICE.auth), new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_PROOF' }),
    );
  });

  test.each([
    ['without a key', '440a001240'],
    ['with a secp256k1 key', '670a231221'],
    ['with a key of 31 bytes', '650a210a1f'],
    ['with a key of 33 bytes', '670a230a21'],
    ['with nothing', '00'],
    ['that is a privval request', '0e0a0c0a0a'],
  ])('is refused %s', (_, hex) => {
    expect(() => verifyAuth(bytesFromHex(hex), bytesFromHex(CHALLENGE))).toThrow(badHandshake);
  });

  test('is refused with a key of small order, whose signatures verify for anybody', () => {
    // The identity point as key and R, S = 0: [S]B = R + [k]A holds for every message.
    const message = bytesFromHex(
      `660a220a2001${'00'.repeat(31)}124001${'00'.repeat(31)}${'00'.repeat(32)}`,
    );
    expect(() => verifyAuth(message, bytesFromHex(CHALLENGE))).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_PROOF' }),
    );
  });
});

describe('frames', () => {
  /** First 32 bytes, tag, SHA-256 of the 1,044 bytes (spec/privval.md 4.5, zero padding). */
  function digest(frame: Uint8Array): [string, string, string] {
    expect(frame).toHaveLength(1044);
    return [
      hexFromBytes(frame.subarray(0, 32)),
      hexFromBytes(frame.subarray(-16)),
      createHash('sha256').update(frame).digest('hex'),
    ];
  }

  test.each([
    [
      'Alice to Bob',
      K1,
      ALICE.auth,
      '024200',
      [
        [
          'c0a009dece21d202c77a40bfa669c22f2445d35fd5b3402ffa92244e1c21d795',
          '255fc85848ff6602fb8a28e7e7af595f',
          '5ddcb2933cebff5592ecb7e512c433d18bf20ac2f61678944fc07a927c724c83',
        ],
        [
          '097b1241c4b0f5d637d6eb6c120a79b46d1053e4d6a96dda2190e911907b86f8',
          'e6b434aa52ea2e1df10d704ce0fa3c1d',
          '487686d31781d4087a6d635cdff3edb305d6e4dce864a6ae10cd33ce6a50b3a2',
        ],
      ],
    ],
    [
      'Bob to Alice',
      K0,
      BOB.auth,
      '023a00',
      [
        [
          '86195d2fd20300542c15070621f07eddadef46c3b2292b35c6a1130e7aa9a7cc',
          '44b65a52ddaee122980a35b86fe6aab8',
          'b64826c1486cca94ba37c4423f4637891e3ff9be0da28692c7f0ec36809a7ff7',
        ],
        [
          '0d3b672573507fe5008eb40033a65c5b91ad51c45151fc22bf6b7286d3dbbc90',
          '69128721436f679c3911a548b12c2e90',
          '15b58d5337588a45529ee7d6ff3943d6e0a66cc6bf1757fbd3ed66cb47c3a418',
        ],
      ],
    ],
    [
      'of the separate vector',
      '6083a1a00e5ea92cdc380c55013f3c87d87ade022666fd5aad4ae3a1530d0885',
      hexFromBytes(utf8Bytes('hello')),
      hexFromBytes(utf8Bytes('world')),
      [
        [
          'de5edc111b1c1df42d8851181202f47d003560e3f34dff6d8fcd9397d2e74953',
          '84d105bd860f09da55da06f5afd0f009',
          'decdf159dd607c2995d1a2d59767785e02aa75bc5fa983a22ba6335c4823c41b',
        ],
        [
          'ddb1c1382101f0bfd5bfe76ffe3a5e86c5b57a8cf788a5a709f3b0b629da3ec2',
          'ed030bcdf9d4a6a281cc5ebab1f847c9',
          '45dc597dcb373786d15928d78e4357f6a6bed72d80a788d2fa54e969db15f4f1',
        ],
      ],
    ],
  ] as const)(
    'from %s are those of the vectors, the second after a longer first one too',
    (_, key, first, second, expected) => {
      const sealer = new FrameSealer(bytesFromHex(key));
      const opener = new FrameOpener(bytesFromHex(key));
      for (const [i, plaintext] of [first, second].entries()) {
        const frame = sealer.seal(bytesFromHex(plaintext));
        expect(digest(frame)).toEqual(expected[i]);
        expect(hexFromBytes(opener.open(frame.slice()) ?? new Uint8Array(0))).toBe(plaintext);
      }
    },
  );

  test.each([
    [1, 1],
    [1023, 1],
    [1024, 1],
    [1025, 2],
    [2048, 2],
    [2049, 3],
    [66_000, 65],
  ])('for %i bytes are %i, with consecutive nonces', (length, frames) => {
    const key = new Uint8Array(32).fill(4);
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + 1) & 0xff);
    const sealer = new FrameSealer(key.slice());
    const wire = sealer.seal(bytes).slice();
    expect(wire).toHaveLength(frames * 1044);
    for (let i = 0; i < frames; i++) {
      const opener = new FrameOpener(key.slice(), { firstNonce: BigInt(i) });
      const opened = opener.open(wire.slice(i * 1044, (i + 1) * 1044));
      expect(opened).toEqual(bytes.subarray(i * 1024, (i + 1) * 1024));
    }
    // The next one goes on with the next nonce.
    const next = new FrameOpener(key.slice(), { firstNonce: BigInt(frames) });
    expect(next.open(sealer.seal(Uint8Array.of(9)).slice())).toEqual(Uint8Array.of(9));
  });

  test('are opened whatever the chunks they come in', () => {
    const key = new Uint8Array(32).fill(4);
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7 + 1) & 0xff);
    for (const size of [1, 3, 500, 1043, 1044, 1045, 2088, 3000, 5220]) {
      const wire = new FrameSealer(key.slice()).seal(bytes).slice();
      const opener = new FrameOpener(key.slice());
      const opened: Uint8Array[] = [];
      for (let offset = 0; offset < wire.length; offset += size) {
        const end = Math.min(wire.length, offset + size);
        const part = opener.open(wire.slice(offset, end));
        if (part !== undefined) opened.push(part);
        expect(opener.insideFrame).toBe(end % 1044 !== 0);
      }
      expect(Buffer.concat(opened).equals(bytes)).toBe(true);
    }
  });

  test('that carry nothing are skipped', () => {
    const key = new Uint8Array(32).fill(4);
    const opener = new FrameOpener(key.slice());
    expect(opener.open(rawFrame(0, key))).toHaveLength(0);
    const next = new FrameSealer(key.slice(), { firstNonce: 1n }).seal(Uint8Array.of(1));
    expect(opener.open(next.slice())).toEqual(Uint8Array.of(1));
  });

  test.each([1025, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
    'that claim to carry %i bytes kill the direction',
    (length) => {
      const key = new Uint8Array(32).fill(4);
      const opener = new FrameOpener(key.slice());
      const bad = expect.objectContaining({ code: 'ERR_SEALED_FRAME' });
      expect(() => opener.open(rawFrame(length, key))).toThrow(bad);
      const next = new FrameSealer(key.slice(), { firstNonce: 1n }).seal(Uint8Array.of(1));
      expect(() => opener.open(next.slice())).toThrow(bad);
    },
  );

  test('with a byte changed anywhere, or sent twice, kill the direction; what came before is given out', () => {
    const key = new Uint8Array(32).fill(4);
    const bad = expect.objectContaining({ code: 'ERR_SEALED_FRAME' });
    const sealer = new FrameSealer(key.slice());
    const first = sealer.seal(Uint8Array.of(1)).slice();
    const second = sealer.seal(Uint8Array.of(2)).slice();
    for (const position of [0, 3, 4, 500, 1027, 1028, 1043]) {
      const opener = new FrameOpener(key.slice());
      const changed = second.with(position, (second[position] ?? 0) ^ 0x80);
      expect(opener.open(new Uint8Array([...first, ...changed]))).toEqual(Uint8Array.of(1));
      expect(() => opener.open(second.slice())).toThrow(bad);
    }
    const opener = new FrameOpener(key.slice());
    opener.open(first.slice());
    expect(() => opener.open(first.slice())).toThrow(bad);
  });

  test('end with the counter: nothing is sealed or opened with nonce 2^64 − 1', () => {
    const key = new Uint8Array(32).fill(4);
    const exhausted = expect.objectContaining({ code: 'ERR_NONCE_EXHAUSTED' });
    const firstNonce = 2n ** 64n - 2n;
    const sealer = new FrameSealer(key.slice(), { firstNonce });
    const opener = new FrameOpener(key.slice(), { firstNonce });
    const last = sealer.seal(Uint8Array.of(1)).slice();
    expect(opener.open(last.slice())).toEqual(Uint8Array.of(1));
    expect(() => sealer.seal(Uint8Array.of(1))).toThrow(exhausted);
    expect(() => sealer.seal(Uint8Array.of(1))).toThrow(exhausted);
    expect(() => opener.open(last)).toThrow(exhausted);
  });

  test('leave no key behind when their sealer and opener are disposed', () => {
    const sendKey = new Uint8Array(32).fill(4);
    const receiveKey = new Uint8Array(32).fill(5);
    new FrameSealer(sendKey)[Symbol.dispose]();
    new FrameOpener(receiveKey)[Symbol.dispose]();
    expect(sendKey).toEqual(new Uint8Array(32));
    expect(receiveKey).toEqual(new Uint8Array(32));
  });
});

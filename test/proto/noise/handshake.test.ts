import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { X25519KeyPair } from '@privval/proto/crypto/x25519';
import { NoiseOpener, NoiseSealer } from '@privval/proto/noise/frame-sealer';
import { NoiseHandshake, type NoiseKeys } from '@privval/proto/noise/handshake';
import { decodePayload, encodePayload, verifyClaim } from '@privval/proto/noise/payload';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { describe, expect, test } from 'vitest';

/** The vectors of spec/cometbft-0.40.md 1.6, compared there byte for byte with flynn/noise v1.1.0. */
const VECTOR = {
  nodePayload:
    '0a24080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1240d70f1912caf307a7b2eddcf6754d5a8e7fb08c88e8377575a7ba528d77eb09b8547dc2c58ee595c9abe63e94c84d02834bb01afff5b9551362a025fe5becc0022200',
  signerPayload:
    '0a24080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3941240c4f92752b468890231072748473b173abc657714b487bb07fab9e8adec115e3c789b7fae7a4631f357f0b961080fb8ec148654ce79a335198d146bca22130b0e2200',
  message1: '0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20',
  message2:
    '052a50773ac8d91773f2dc9662e12f0defe915e415b8a1c8e20a5a3d6ab2b843a1970e70a49644112c724190a1b18e14eee927dccffe6da5671a814499525673aadc13fd4e4abf0d1d402f79299f9a1711349175fbb1c81753064275e56cbaad8e562747219b06e94fd3079575a1061f25b9b1af8ccd679dfdd28d1da94b17a5b0103ea5342d801607b71988e78313bc9a361ba88d0b4c7dc0191407bee41e6d93333af592c8697eac9c20812a0ac5b56fd2ce09533ae093505ea8ecf7650f10bc793f527d6f558514f7',
  message3:
    '697731852b7770e024c1bbbcdbb0a19578ddba94bcab1dd880cd7945c82367a82109308d08312cff21af2f813b57e4fc10a4dfe4b2c4c869d646b387465278d5f040f757acb09628c04729a1d0427d8711a0279888b9326d120e07b9ba58e99b4b7c651011fff03f4b587cd386ed56f5e2db729884345e365940f8fc30bfa8b7817f9912748546d70011b303259dd77487a723dafc8ce1f2013525c82d39622e39a3abc808ad242425c8',
  finalHash: 'b83ee5ad5816630e70679c30d9f4d5a1ce39175acac1597bb34d9171d87fe8bb',
  signerToNode: '9157d731412895ebb893c12a40a34a7e58e934db4ea9fb7eda8158816b5443b4',
  nodeToSigner: 'a9c5bf893464a8d7a8ba2bd951813da0642588ea413e50e0a3263a5c79963dd5',
} as const;

function seed(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

function keys(staticByte: number, ephemeralByte: number): NoiseKeys {
  return {
    staticKey: X25519KeyPair.fromSecret(seed(staticByte)),
    ephemeralKey: X25519KeyPair.fromSecret(seed(ephemeralByte)),
  };
}

/** Node and signer of the vectors, with their payloads. */
function parties() {
  const nodeKeys = keys(0x11, 0x12);
  const signerKeys = keys(0x21, 0x22);
  return {
    nodeKeys,
    signerKeys,
    node: new NoiseHandshake('responder', nodeKeys),
    signer: new NoiseHandshake('initiator', signerKeys),
    nodePayload: encodePayload(Ed25519SecretKey.fromSeed(seed(1)), nodeKeys.staticKey.publicKey),
    signerPayload: encodePayload(
      Ed25519SecretKey.fromSeed(seed(2)),
      signerKeys.staticKey.publicKey,
    ),
  };
}

describe('the Noise handshake', () => {
  test('has the public keys and the first hash of the vectors', () => {
    const { nodeKeys, signerKeys, signer } = parties();
    expect(hexFromBytes(nodeKeys.staticKey.publicKey)).toBe(
      '7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f13',
    );
    expect(hexFromBytes(nodeKeys.ephemeralKey.publicKey)).toBe(
      '052a50773ac8d91773f2dc9662e12f0defe915e415b8a1c8e20a5a3d6ab2b843',
    );
    expect(hexFromBytes(signerKeys.staticKey.publicKey)).toBe(
      '7d34a4815fa6b982535e60af3bd9b49556816080f1641ff81d2b7c8ae8268a44',
    );
    expect(hexFromBytes(signerKeys.ephemeralKey.publicKey)).toBe(
      '0faa684ed28867b97f4a6a2dee5df8ce974e76b7018e3f22a1c4cf2678570f20',
    );
    expect(hexFromBytes(signer.hash)).toBe(
      'f3d15e6108ed9556171207baa58f97d29a13c6be40595166066e2e0958dc002d',
    );
  });

  test('says, byte for byte, what flynn/noise says with the same keys', () => {
    const { node, signer, nodePayload, signerPayload, nodeKeys, signerKeys } = parties();
    expect(hexFromBytes(nodePayload)).toBe(VECTOR.nodePayload);
    expect(hexFromBytes(signerPayload)).toBe(VECTOR.signerPayload);

    const message1 = signer.write(new Uint8Array(0));
    expect(hexFromBytes(message1)).toBe(VECTOR.message1);
    expect(node.read(message1)).toHaveLength(0);

    const message2 = node.write(nodePayload);
    expect(hexFromBytes(message2)).toBe(VECTOR.message2);
    expect(hexFromBytes(signer.read(message2))).toBe(VECTOR.nodePayload);

    const message3 = signer.write(signerPayload);
    expect(hexFromBytes(message3)).toBe(VECTOR.message3);
    expect(hexFromBytes(node.read(message3))).toBe(VECTOR.signerPayload);

    expect(hexFromBytes(node.hash)).toBe(VECTOR.finalHash);
    expect(hexFromBytes(signer.hash)).toBe(VECTOR.finalHash);
    expect(signer.remoteStatic).toEqual(nodeKeys.staticKey.publicKey);
    expect(node.remoteStatic).toEqual(signerKeys.staticKey.publicKey);
    const signerSide = signer.split();
    expect(hexFromBytes(signerSide.sendKey)).toBe(VECTOR.signerToNode);
    expect(hexFromBytes(signerSide.receiveKey)).toBe(VECTOR.nodeToSigner);
    expect(node.split()).toEqual({
      sendKey: signerSide.receiveKey,
      receiveKey: signerSide.sendKey,
    });
  });

  test('refuses each message with any one byte changed', () => {
    const { signer: first, node: second, nodePayload, signerPayload } = parties();
    const message2 = (() => {
      second.read(first.write(new Uint8Array(0)));
      return second.write(nodePayload);
    })();
    first.read(message2);
    const message3 = first.write(signerPayload);
    for (let i = 0; i < message2.length; i++) {
      const { signer } = parties();
      signer.write(new Uint8Array(0));
      const changed = message2.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x04;
      expect(() => signer.read(changed)).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' }),
      );
    }
    for (let i = 0; i < message3.length; i++) {
      const { signer, node } = parties();
      node.read(signer.write(new Uint8Array(0)));
      node.write(nodePayload);
      const changed = message3.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x04;
      expect(() => node.read(changed)).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' }),
      );
    }
  });

  test('refuses each message cut short at any length', () => {
    const { signer: first, node: second, nodePayload } = parties();
    second.read(first.write(new Uint8Array(0)));
    const message2 = second.write(nodePayload);
    for (let length = 0; length < message2.length; length++) {
      const { signer } = parties();
      signer.write(new Uint8Array(0));
      expect(() => signer.read(message2.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' }),
      );
    }
    for (let length = 0; length < 32; length++) {
      const { node } = parties();
      expect(() => node.read(new Uint8Array(length).fill(9))).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' }),
      );
    }
  });

  test('refuses low-order ephemeral keys at the first agreement', () => {
    for (const first of [0, 1]) {
      const { node, nodePayload } = parties();
      const message = new Uint8Array(32);
      message[0] = first;
      node.read(message);
      expect(() => node.write(nodePayload)).toThrow(
        expect.objectContaining({ code: 'ERR_LOW_ORDER_POINT' }),
      );
    }
  });

  test('is a bug when the wrong side writes or the keys are taken too early', () => {
    const { node, signer } = parties();
    expect(() => node.write(new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'ERR_INVARIANT' }),
    );
    expect(() => signer.read(new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'ERR_INVARIANT' }),
    );
    expect(() => signer.split()).toThrow(expect.objectContaining({ code: 'ERR_INVARIANT' }));
  });
});

describe('the Noise payload', () => {
  const identity = Ed25519SecretKey.fromSeed(seed(1));
  const staticKey = seed(7);

  test('proves the identity for one static key and no other', () => {
    const claim = decodePayload(encodePayload(identity, staticKey));
    expect(claim.key).toEqual(identity.publicKey);
    expect(() => verifyClaim(claim, staticKey)).not.toThrow();
    expect(() => verifyClaim(claim, seed(8))).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_PROOF' }),
    );
  });

  test('is read with extensions absent, empty or filled, and with unknown fields', () => {
    const payload = encodePayload(identity, staticKey);
    const withoutExtensions = payload.subarray(0, -2);
    for (const tail of ['', '2200', '220a0a03616263120378797a', '1a03616263', '2200f80601']) {
      const bytes = new Uint8Array([...withoutExtensions, ...bytesFromHex(tail)]);
      expect(decodePayload(bytes).key).toEqual(identity.publicKey);
    }
  });

  test('is refused when cut short, without key, without signature, or with another key type', () => {
    const payload = encodePayload(identity, staticKey).subarray(0, -2);
    const broken = [
      ...Array.from(payload.keys(), (length) => payload.subarray(0, length)),
      payload.subarray(38),
      bytesFromHex(
        '0a240803122000000000000000000000000000000000000000000000000000000000000000001200',
      ),
      bytesFromHex(`0a25080112210${'0'.repeat(65)}1200`),
      bytesFromHex(`0a2508021221020${'0'.repeat(63)}1200`),
      bytesFromHex('ffffffffffffffffffffff'),
    ];
    for (const bytes of broken) {
      expect(() => decodePayload(bytes)).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_HANDSHAKE' }),
      );
    }
  });
});

describe('Noise frames', () => {
  const rows = [
    [
      'nodeToSigner',
      0n,
      '0e0a0c0a0a746573742d636861696e',
      '001fe4a9d63b2fdb5f708cadc5df20f31a7ff942be1cd6ecaa9d3ec0cc923718db',
    ],
    ['nodeToSigner', 1n, '023a00', '0013fefbc233c15b3fc2ce251f25c0ca47a73f12a5'],
    [
      'signerToNode',
      0n,
      '2612240a220a208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c',
      '00376802a5616234c21e9875feb1dfdcbfffccc7ddd390937ea09810c898661847ad37f0abc7f7df3f9797521871d7e7049b58db1aa27064cf',
    ],
    ['signerToNode', 1n, '024200', '001355a09d61417711f932e41b02479930a393b106'],
  ] as const;

  test.each(rows)(
    'from %s with counter %s are those of the vectors',
    (key, firstNonce, plaintext, frame) => {
      const sealer = new NoiseSealer(bytesFromHex(VECTOR[key]), { firstNonce });
      expect(hexFromBytes(sealer.seal(bytesFromHex(plaintext)))).toBe(frame);
      const opener = new NoiseOpener(bytesFromHex(VECTOR[key]), { firstNonce });
      expect(hexFromBytes(opener.open(bytesFromHex(frame)) ?? new Uint8Array(0))).toBe(plaintext);
    },
  );

  test('carry 65,519 bytes each at most, and 17 of them the largest privval message', () => {
    const sealer = new NoiseSealer(seed(3));
    expect(sealer.seal(new Uint8Array(65_519))).toHaveLength(65_537);
    expect(sealer.seal(new Uint8Array(65_520))).toHaveLength(65_520 + 2 * 18);
    const largest = 1_056_221;
    expect(sealer.seal(new Uint8Array(largest))).toHaveLength(largest + 17 * 18);
  });

  test('are opened whatever the chunks they come in', () => {
    const message = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff);
    for (const size of [1, 2, 3, 17, 1000, 65_537, 65_538, 70_036]) {
      const wire = new NoiseSealer(seed(3)).seal(message).slice();
      const opener = new NoiseOpener(seed(3));
      const opened: Uint8Array[] = [];
      for (let offset = 0; offset < wire.length; offset += size) {
        const bytes = opener.open(wire.slice(offset, offset + size));
        if (bytes !== undefined) opened.push(bytes);
        expect(opener.insideFrame).toBe(
          ![65_537, wire.length].includes(Math.min(wire.length, offset + size)),
        );
      }
      expect(Buffer.concat(opened).equals(message)).toBe(true);
    }
  });

  test('that were changed, repeated or are shorter than a tag kill the direction, after what came before', () => {
    const sealer = new NoiseSealer(seed(3));
    const good = sealer.seal(Uint8Array.of(1, 2, 3)).slice();
    for (const bad of [
      good.with(5, (good[5] ?? 0) ^ 1),
      good,
      bytesFromHex('000f'.padEnd(34, '0')),
      bytesFromHex('0000'),
    ]) {
      const opener = new NoiseOpener(seed(3));
      expect(opener.open(new Uint8Array([...good, ...bad]))).toEqual(Uint8Array.of(1, 2, 3));
      expect(() => opener.open(good.slice())).toThrow(
        expect.objectContaining({ code: 'ERR_SEALED_FRAME' }),
      );
    }
  });

  test('end with the counter: 2^64 − 2 is the last, nothing is sealed or opened with 2^64 − 1', () => {
    const firstNonce = 2n ** 64n - 2n;
    const sealer = new NoiseSealer(seed(3), { firstNonce });
    const opener = new NoiseOpener(seed(3), { firstNonce });
    const last = sealer.seal(Uint8Array.of(7)).slice();
    expect(opener.open(last.slice())).toEqual(Uint8Array.of(7));
    expect(() => sealer.seal(Uint8Array.of(7))).toThrow(
      expect.objectContaining({ code: 'ERR_NONCE_EXHAUSTED' }),
    );
    expect(() => opener.open(last)).toThrow(
      expect.objectContaining({ code: 'ERR_NONCE_EXHAUSTED' }),
    );
  });
});

import {
  bech32FromAddress,
  bech32FromPublicKey,
  decodeBech32,
  decodeSymbols,
  encodeBech32,
} from '@privval/proto/crypto/bech32';
import {
  addressFromText,
  addressToText,
  publicKeyFromJson,
  publicKeyToJson,
} from '@privval/proto/crypto/key-json';
import { nodeIdFromPublicKey, parseNodeId } from '@privval/proto/crypto/node-id';
import { NonceCounter } from '@privval/proto/crypto/nonce-counter';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { decodeBase58, decodeMultibase, encodeBase58 } from '@privval/proto/noise/multibase';
import {
  formatLibp2pPeerId,
  libp2pPeerIdFromPublicKey,
  parseLibp2pPeerId,
  peerIdBytes,
} from '@privval/proto/noise/peer-id';
import {
  base64FromBytes,
  bytesFromBase64,
  bytesFromHex,
  hexFromBytes,
  utf8Bytes,
} from '@privval/proto/runtime/bytes';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../harness/seeded-random.ts';

/** tm-signer-harness's fixture (spec/privval.md 6). */
const HARNESS_KEY = ed25519PublicKey(
  bytesFromBase64('ZCsuTjaczEyon70nmKxwvwu+jqrbq5OH3yQjcK0SFxc='),
);

/** Node identity of spec/cometbft-0.40.md 1.6: seed 01 × 32. */
const NODE_KEY = ed25519PublicKey(
  bytesFromHex('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'),
);
const SIGNER_KEY = ed25519PublicKey(
  bytesFromHex('8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394'),
);

describe('node ids and addresses', () => {
  test('are the beginning of the SHA-256 of the key, in lower and upper case', () => {
    expect(nodeIdFromPublicKey(NODE_KEY)).toBe('34750f98bd59fcfc946da45aaabe933be154a4b5');
    expect(addressToText(addressFromPublicKey(HARNESS_KEY))).toBe(
      'D08FCA3BA74CF17CBFC15E64F9505302BB0E2748',
    );
  });

  test('are read in either case', () => {
    expect(parseNodeId('34750F98BD59FCFC946DA45AAABE933BE154A4B5')).toBe(
      nodeIdFromPublicKey(NODE_KEY),
    );
    const address = addressFromPublicKey(HARNESS_KEY);
    expect(addressFromText(addressToText(address).toLowerCase())).toEqual(address);
  });

  test.each([
    '',
    '3475',
    `34750f98bd59fcfc946da45aaabe933be154a4bg`,
    `${'a'.repeat(41)}`,
    ` ${'a'.repeat(39)}`,
  ])('are refused when they are not 40 hexadecimal digits: %j', (text) => {
    expect(() => parseNodeId(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_NODE_ID' }),
    );
    expect(() => addressFromText(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_KEY_JSON' }),
    );
  });
});

describe('key JSON', () => {
  test('is what CometBFT writes, and is read back', () => {
    const json = publicKeyToJson(HARNESS_KEY);
    expect(JSON.stringify(json)).toBe(
      '{"type":"tendermint/PubKeyEd25519","value":"ZCsuTjaczEyon70nmKxwvwu+jqrbq5OH3yQjcK0SFxc="}',
    );
    expect(publicKeyFromJson(json)).toEqual(HARNESS_KEY);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'ZCsuTjaczEyon70nmKxwvwu+jqrbq5OH3yQjcK0SFxc='],
    ['no value', { type: 'tendermint/PubKeyEd25519' }],
    [
      'another type',
      { type: 'tendermint/PubKeySecp256k1', value: base64FromBytes(new Uint8Array(33)) },
    ],
    ['a value that is no text', { type: 'tendermint/PubKeyEd25519', value: 5 }],
    ['a value that is no base64', { type: 'tendermint/PubKeyEd25519', value: '****' }],
    [
      'base64 without padding',
      { type: 'tendermint/PubKeyEd25519', value: 'ZCsuTjaczEyon70nmKxwvwu+jqrbq5OH3yQjcK0SFxc' },
    ],
    ['31 bytes', { type: 'tendermint/PubKeyEd25519', value: base64FromBytes(new Uint8Array(31)) }],
  ])('is refused when it is %s', (_, value) => {
    expect(() => publicKeyFromJson(value)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_KEY_JSON' }),
    );
  });
});

/** BIP-173's test vectors, as far as a limit of 1,023 characters instead of 90 leaves them as they are. */
describe('bech32', () => {
  test.each([
    'A12UEL5L',
    'a12uel5l',
    'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs',
    'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw',
    '11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j',
    'split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w',
    '?1ezyfcl',
  ])('accepts BIP-173’s valid %s', (text) => {
    const { prefix } = decodeSymbols(text);
    expect(text.toLowerCase().startsWith(`${prefix}1`)).toBe(true);
  });

  test.each([
    ['a prefix character out of range', '\u00201nwldj5'],
    ['a prefix character out of range', '\u007f1axkwrx'],
    ['a prefix character out of range', '\u00801eym55h'],
    ['no separator', 'pzry9x0s0muk'],
    ['no prefix', '1pzry9x0s0muk'],
    ['a character that is none', 'x1b4n0q5v'],
    ['a checksum that is too short', 'li1dgmt3'],
    ['a character that is none in the checksum', 'de1lg7wt\u00ff'],
    ['a checksum over an upper-case prefix', 'A1G7SGD8'],
    ['no prefix', '10a06t8'],
    ['no prefix', '1qzzfhee'],
    ['mixed case', 'A12uEL5L'],
    ['one character changed', 'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxq'],
    ['a prefix of 84 characters', `${'a'.repeat(84)}1tt5tgs`],
    ['1,024 characters', `a1${'q'.repeat(1022)}`],
  ])('refuses %s: %s', (_, text) => {
    expect(() => decodeSymbols(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_BECH32' }),
    );
  });

  test('refuses bits that are no whole bytes: a whole group left over, or padding that is not zero', () => {
    expect(decodeBech32('abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw').bytes).toHaveLength(20);
    // Both have a right checksum: they are among BIP-173's invalid segwit addresses.
    for (const text of [
      'bc1rw5uspcuh',
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv',
    ]) {
      expect(() => decodeSymbols(text)).not.toThrow();
      expect(() => decodeBech32(text)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_BECH32' }),
      );
    }
  });

  test('gives back whatever bytes it was given', () => {
    const random = new SeededRandom(3);
    for (let length = 0; length < 100; length++) {
      const bytes = random.bytes(length);
      expect(decodeBech32(encodeBech32('prefix', bytes))).toEqual({ prefix: 'prefix', bytes });
    }
  });

  test.each(['', 'Upper', 'space ', 'ü', 'a'.repeat(84)])(
    'refuses to write under the prefix %j',
    (prefix) => {
      expect(() => encodeBech32(prefix, Uint8Array.of(1))).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_BECH32' }),
      );
    },
  );

  test('writes consensus keys and addresses as Cosmos SDK does', () => {
    const key = bech32FromPublicKey(HARNESS_KEY);
    // Every Ed25519 key under amino's prefix begins so.
    expect(key).toMatch(/^cosmosvalconspub1zcjduepq[02-9ac-hj-np-z]{58}$/);
    expect(hexFromBytes(decodeBech32(key).bytes)).toBe(
      `1624de6420${hexFromBytes(HARNESS_KEY.bytes)}`,
    );
    expect(decodeBech32(bech32FromAddress(HARNESS_KEY, 'osmovalcons'))).toEqual({
      prefix: 'osmovalcons',
      bytes: addressFromPublicKey(HARNESS_KEY),
    });
  });
});

describe('libp2p peer ids', () => {
  test('are those of the vectors', () => {
    expect(libp2pPeerIdFromPublicKey(NODE_KEY)).toBe(
      '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5',
    );
    expect(libp2pPeerIdFromPublicKey(SIGNER_KEY)).toBe(
      '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq',
    );
    expect(hexFromBytes(peerIdBytes(NODE_KEY))).toBe(
      '0024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c',
    );
  });

  test('are the same in every spelling', () => {
    const multihash = peerIdBytes(NODE_KEY);
    const cid = new Uint8Array([0x01, 0x72, ...multihash]);
    for (const text of [
      '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5',
      'bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324',
      `z${encodeBase58(cid)}`,
    ]) {
      expect(parseLibp2pPeerId(text)).toEqual(multihash);
    }
  });

  test('of hashed keys are read too, and written back', () => {
    // The example of the libp2p specification for an RSA key.
    const text = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N';
    const multihash = parseLibp2pPeerId(text);
    expect(hexFromBytes(multihash.subarray(0, 2))).toBe('1220');
    expect(formatLibp2pPeerId(multihash)).toBe(text);
    expect(parseLibp2pPeerId(`z${encodeBase58(new Uint8Array([1, 0x72, ...multihash]))}`)).toEqual(
      multihash,
    );
  });

  test.each([
    ['nothing', ''],
    ['a CometBFT node id', '34750f98bd59fcfc946da45aaabe933be154a4b5'],
    ['base58 that is cut', '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH'],
    ['a character that base58 lacks', '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH0'],
    ['a CID of another codec', `z${encodeBase58(new Uint8Array([1, 0x55, 0, 3, 1, 2, 3]))}`],
    [
      'a CID of version 0 in multibase',
      `z${encodeBase58(new Uint8Array([0x12, 0x20, ...new Uint8Array(32)]))}`,
    ],
    [
      'an inline key that is too long',
      `z${encodeBase58(new Uint8Array([1, 0x72, 0, 43, ...new Uint8Array(43)]))}`,
    ],
    [
      'a multihash of another hash',
      `z${encodeBase58(new Uint8Array([1, 0x72, 0x13, 32, ...new Uint8Array(32)]))}`,
    ],
    [
      'a length that is not true',
      `z${encodeBase58(new Uint8Array([1, 0x72, 0, 35, ...new Uint8Array(36)]))}`,
    ],
    ['upper-case base32', 'BAFZAAJAIAEJCBCUI4POXICPRSX6VFWZNHS5F24WKM4E36HMUCIN7G5EIAG2A6324'],
    ['endless text', '1'.repeat(100_000)],
  ])('are refused when they are %s', (_, text) => {
    expect(() => parseLibp2pPeerId(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_PEER_ID' }),
    );
  });
});

describe('base58, base36 and base32', () => {
  /** draft-msporny-base58, and the multibase specification's examples. */
  test.each([
    ['', ''],
    ['48656c6c6f20576f726c6421', '2NEpo7TZRRrLZSi2U'],
    ['0000287fb4cd', '11233QC4'],
    ['00', '1'],
    ['0000', '11'],
  ])('base58 of %s is %j, both ways', (hex, text) => {
    expect(encodeBase58(bytesFromHex(hex))).toBe(text);
    expect(hexFromBytes(decodeBase58(text))).toBe(hex);
  });

  test('are told apart by their prefix', () => {
    const yes = 'yes mani !';
    expect(decodeMultibase('z7paNL19xttacUY')).toEqual(utf8Bytes(yes));
    expect(decodeMultibase('k2lcpzo5yikidynfl')).toEqual(utf8Bytes(yes));
    expect(decodeMultibase('bpfsxgidnmfxgsibb')).toEqual(utf8Bytes(yes));
    for (const text of ['', 'f00', 'b1', 'ba', 'bab', 'z0', 'kA']) {
      expect(() => decodeMultibase(text)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_MULTIBASE' }),
      );
    }
  });
});

describe('a nonce counter', () => {
  test('counts in little-endian from the fifth byte on, over the border of 32 bits', () => {
    const nonces = new NonceCounter();
    expect(hexFromBytes(nonces.next())).toBe('00'.repeat(12));
    expect(hexFromBytes(nonces.next())).toBe(`00000000${'01'}${'00'.repeat(7)}`);
    const border = new NonceCounter(0xffff_ffffn);
    expect(hexFromBytes(border.next())).toBe('00000000ffffffff00000000');
    expect(hexFromBytes(border.next())).toBe('000000000000000001000000');
    expect(border.counter).toBe(0x1_0000_0001n);
  });

  test('never gives 2^64 − 1, and nothing after it', () => {
    const nonces = new NonceCounter(2n ** 64n - 2n);
    expect(hexFromBytes(nonces.next())).toBe('00000000feffffffffffffff');
    for (let i = 0; i < 3; i++) {
      expect(() => nonces.next()).toThrow(expect.objectContaining({ code: 'ERR_NONCE_EXHAUSTED' }));
    }
  });
});

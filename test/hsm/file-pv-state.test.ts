import {
  checkFilePvState,
  encodeFilePvState,
  type FilePvState,
  parseFilePvState,
} from '@privval/hsm/file/file-pv-state';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { parseChainId } from '@privval/proto/types/chain-id';
import { describe, expect, test } from 'vitest';
import { nil, precommit, prevote, proposal } from '../harness/consensus-messages.ts';
import { plainProposalSignBytes, plainVoteSignBytes } from '../harness/plain-canonical.ts';
import { knownSecretKey } from './known-key.ts';

/** As Go writes it after the nil precommit of spec/privval.md 5.3. */
const SIGNED = `{
  "height": "10",
  "round": 1,
  "step": 3,
  "signature": "2tIi5SR1Fg5P8pD8+TuS+gKyQURltTNz5k6sjLlYQK5YYBiOs1seTj8Gvz6p9GA6SUtKbMvbRRa+RGXDh4QWAQ==",
  "signbytes": "270802110A000000000000001901000000000000002A0608F49A8DED0532096D79636861696E6964"
}`;
const FRESH = '{\n  "height": "0",\n  "round": 0,\n  "step": 0\n}';
const CHAIN = parseChainId('mychainid');

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): FilePvState => parseFilePvState(bytesOf(text));
const encode = (state: FilePvState): string => new TextDecoder().decode(encodeFilePvState(state));

function publicKey(): ReturnType<typeof ed25519PublicKey> {
  using secret = knownSecretKey();
  return ed25519PublicKey(new Uint8Array(secret.publicKey.bytes));
}

describe('a FilePV state file', () => {
  test('is read', () => {
    expect(parse(SIGNED)).toEqual({
      height: 10n,
      round: 1,
      step: 'precommit',
      signature: expect.any(Uint8Array),
      signBytes: expect.any(Uint8Array),
      isStale: false,
    });
    expect(parse(SIGNED).signBytes?.toHex()).toMatch(/^270802.*6964$/);
  });

  test.each([
    ['fresh', FRESH],
    ['after a signature', SIGNED],
    [
      'at the largest position',
      '{\n  "height": "9223372036854775807",\n  "round": 2147483647,\n  "step": 3\n}',
    ],
  ])('is written byte for byte as Go writes it, %s', (_, text) => {
    expect(encode(parse(text))).toBe(text);
  });

  test.each([0, 1, 2, 3])('step %i means what it means to a node', (step) => {
    const { step: name } = parse(`{"height":"1","round":0,"step":${step}}`);
    expect(name).toBe(['none', 'propose', 'prevote', 'precommit'][step]);
  });

  test('is read with lower-case sign bytes, other white space, keys unknown to anybody', () => {
    const text = JSON.stringify({ ...JSON.parse(SIGNED), note: [1, { x: 2 }] });
    expect(parse(text.replace(/270802\w+/, (hex) => hex.toLowerCase()))).toEqual(parse(SIGNED));
  });

  test.each([
    ['no object', '[]'],
    ['empty', ''],
    ['cut off', SIGNED.slice(0, 100)],
    ['followed by something', `${FRESH}{}`],
    ['{}', '{}'],
    ['without height', '{"round":0,"step":0}'],
    ['without round', '{"height":"1","step":0}'],
    ['without step', '{"height":"1","round":0}'],
    ['with a key in another case', '{"Height":"1","round":0,"step":0}'],
    ['with height as a number', '{"height":1,"round":0,"step":0}'],
    ['with round as a text', '{"height":"1","round":"0","step":0}'],
    ['with step as a text', '{"height":"1","round":0,"step":"3"}'],
    ['with a negative height', '{"height":"-1","round":0,"step":0}'],
    ['with a negative round', '{"height":"1","round":-1,"step":0}'],
    ['with a negative step', '{"height":"1","round":0,"step":-1}'],
    ['with step 4', '{"height":"1","round":0,"step":4}'],
    ['with a broken step', '{"height":"1","round":0,"step":1.5}'],
    ['with a round in powers of ten', '{"height":"1","round":1e3,"step":0}'],
    ['with a height of leading zeros', '{"height":"007","round":0,"step":0}'],
    ['with an empty height', '{"height":"","round":0,"step":0}'],
    ['with a height in hexadecimal', '{"height":"0x10","round":0,"step":0}'],
    ['with a height beyond int64', '{"height":"9223372036854775808","round":0,"step":0}'],
    ['with a round beyond int32', '{"height":"1","round":2147483648,"step":0}'],
    ['with null for a height', '{"height":null,"round":0,"step":0}'],
    ['with two heights', '{"height":"9","height":"1","round":0,"step":0}'],
    ['with empty sign bytes', SIGNED.replace(/2708\w+/, '')],
    ['with an empty signature', SIGNED.replace(/"2tIi[^"]+"/, '""')],
    ['with sign bytes alone', SIGNED.replace(/ *"signature".*\n/, '')],
    ['with a signature alone', '{"height":"1","round":0,"step":3,"signature":"AAAA"}'],
    ['with sign bytes that are not hex', SIGNED.replace('2708', '27ZZ')],
    ['with half a byte of sign bytes', SIGNED.replace('"2708', '"708')],
    ['with a signature that is not base64', SIGNED.replace('2tIi', '2t.i')],
    ['with a short signature', SIGNED.replace(/"2tIi[^"]+"/, '"AAAA"')],
    ['with a signature at step 0', SIGNED.replace('"step": 3', '"step": 0')],
    [
      'of TMKMS',
      '{"height":"10","round":"1","step":2,"block_id":{"hash":"","parts":{"total":0,"hash":""}}}',
    ],
  ])('is refused when it is %s: never read as nothing signed', (_, text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_MALFORMED' }),
    );
  });

  test('names the mistake', () => {
    expect(() => parse('{"round":0,"step":0}')).toThrow(/height is missing/);
    expect(() => parse('{"height":1,"round":0,"step":0}')).toThrow(/height is not a string/);
    expect(() => parse('{"height":"1","round":"0","step":2,"block_id":null}')).toThrow(/TMKMS/);
  });

  test('of a position reserved but not signed is written without its bytes: they alone make a node panic', () => {
    const { signature: _, ...reserved } = parse(SIGNED);
    expect(encode(reserved)).toBe('{\n  "height": "10",\n  "round": 1,\n  "step": 3\n}');
  });
});

describe('a state file exported while the signer went on (S12)', () => {
  const stale = encode({ ...parse(SIGNED), isStale: true });

  test('is for a node the file it would be without the mark: one key more, at the end', () => {
    const { stale: mark, ...rest } = JSON.parse(stale);
    expect(mark).toEqual(expect.any(String));
    expect(JSON.stringify(rest, null, 2)).toBe(SIGNED);
  });

  test('is known again, and refused unless a floor height comes with it', () => {
    const state = parse(stale);
    expect(state.isStale).toBe(true);
    const owner = { chainId: CHAIN, publicKey: publicKey() };
    expect(() => checkFilePvState(state, owner)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_STALE' }),
    );
    expect(() => checkFilePvState(state, { ...owner, floorHeight: 12n })).not.toThrow();
  });

  test('is refused with a floor height too when it is another validator’s', () => {
    const owner = { chainId: parseChainId('other'), publicKey: publicKey(), floorHeight: 12n };
    expect(() => checkFilePvState(parse(stale), owner)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_FOREIGN' }),
    );
  });
});

describe('a state file is tied to its validator (S3)', () => {
  const owner = { chainId: CHAIN, publicKey: publicKey() };

  test.each([
    ['fresh, at height 0', FRESH],
    ['at a height without sign bytes', '{"height":"7","round":0,"step":2}'],
    ['with its own signature', SIGNED],
  ])('is accepted %s', (_, text) => {
    expect(() => checkFilePvState(parse(text), owner)).not.toThrow();
  });

  test.each([
    ['propose', plainProposalSignBytes(CHAIN, proposal({ height: 3n, round: 2 }))],
    ['prevote', plainVoteSignBytes(CHAIN, prevote({ height: 3n, round: 2 }))],
    ['precommit', plainVoteSignBytes(CHAIN, nil(precommit({ height: 3n, round: 2 })))],
  ] as const)('is accepted at a %s of its own', (step, signBytes) => {
    const state = signedState({ height: 3n, round: 2, step }, signBytes);
    expect(() => checkFilePvState(state, owner)).not.toThrow();
  });

  test('is refused when its sign bytes name another chain', () => {
    const other = { ...owner, chainId: parseChainId('mychainid2') };
    expect(() => checkFilePvState(parse(SIGNED), other)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_FOREIGN', part: 'chain' }),
    );
  });

  test('is refused when its signature does not verify with this key', () => {
    const other = { ...owner, publicKey: ed25519PublicKey(new Uint8Array(32).fill(3)) };
    expect(() => checkFilePvState(parse(SIGNED), other)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_FOREIGN', part: 'key' }),
    );
    const forged = SIGNED.replace('2tIi', '2tIj');
    expect(() => checkFilePvState(parse(forged), owner)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_FOREIGN', part: 'key' }),
    );
  });

  test.each([
    ['height', SIGNED.replace('"10"', '"9"')],
    ['round', SIGNED.replace('"round": 1', '"round": 0')],
    ['step', SIGNED.replace('"step": 3', '"step": 2')],
  ])('is refused when its %s is not that of its sign bytes', (_, text) => {
    expect(() => checkFilePvState(parse(text), owner)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_FOREIGN', part: 'position' }),
    );
  });

  test('is refused when its sign bytes are no vote or proposal, signed or not', () => {
    const state = signedState({ height: 3n, round: 2, step: 'prevote' }, Uint8Array.of(1, 2, 3));
    expect(() => checkFilePvState(state, owner)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_FILE_MALFORMED' }),
    );
  });
});

function signedState(
  position: Pick<FilePvState, 'height' | 'round' | 'step'>,
  signBytes: Uint8Array,
): FilePvState {
  using secret = knownSecretKey();
  const written = encodeFilePvState({
    ...position,
    signBytes,
    signature: secret.sign(signBytes),
    isStale: false,
  });
  return parseFilePvState(written);
}

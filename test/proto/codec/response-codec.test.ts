import { encodeFrame } from '@privval/proto/codec/delimited';
import { MAX_REPLY_BYTES, type PrivvalResponse } from '@privval/proto/privval/messages';
import { decodeResponse, encodeResponse } from '@privval/proto/privval/response-codec';
import type { Vote } from '@privval/proto/types/vote';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  READ_ONLY_RESPONSE_VECTORS,
  RESPONSE_VECTORS,
  VECTOR_PUBLIC_KEY,
} from '../../vectors/privval-messages.ts';
import { BLOCK_B, TIME_T } from '../../vectors/sign-bytes.ts';
import { arbitraryResponse } from './arbitraries.ts';
import { oracleResponse } from './oracle.ts';

const KEY_HEX = VECTOR_PUBLIC_KEY.toHex();
const V034_KEY = `0a220a20${KEY_HEX}`;
const V1_KEY = `1a20${KEY_HEX}220765643235353139`;

function publicKeyResponse(hex: string): Uint8Array {
  return Uint8Array.from([0x12, ...encodeFrame(Uint8Array.fromHex(hex))]);
}

const SIGNED_VOTE: Vote = {
  type: 'precommit',
  height: 3n,
  round: 0,
  blockId: BLOCK_B,
  timestamp: TIME_T,
  validatorAddress: new Uint8Array(20).fill(1),
  validatorIndex: 2,
  signature: new Uint8Array(64).fill(3),
  extension: new Uint8Array(0),
  extensionSignature: new Uint8Array(64).fill(4),
};

describe('encodeResponse', () => {
  it.each(RESPONSE_VECTORS)('writes $title', ({ body, response }) => {
    expect(encodeResponse(response).toHex()).toBe(body);
  });

  it('writes a public key for v0.34 to v0.40 and for v1 at once', () => {
    const response = {
      kind: 'public-key',
      publicKey: { type: 'ed25519', bytes: VECTOR_PUBLIC_KEY },
    } as const;
    expect(encodeResponse(response).toHex()).toBe(`124f${V034_KEY}${V1_KEY}`);
  });

  it('writes what the code generated from the schema writes, but for the key of v1', () => {
    fc.assert(
      fc.property(arbitraryResponse, (response) => {
        const ours = encodeResponse(response).toHex();
        const oracle = oracleResponse(response).toHex();
        if (response.kind === 'public-key' && !('error' in response)) {
          expect(ours.slice(4, 4 + 72)).toBe(oracle.slice(4));
        } else expect(ours).toBe(oracle);
      }),
      { numRuns: 2000 },
    );
  });

  it('writes an error in ten bytes more when its code is negative', () => {
    const response = { kind: 'sign-bytes', error: { code: -1, description: '' } } as const;
    expect(encodeResponse(response).toHex()).toBe('520d120b08ffffffffffffffffff01');
  });

  it('keeps an extension up to the very byte a node reads, and leaves it out beyond (S22)', () => {
    const limit = { omitExtensionAboveBytes: MAX_REPLY_BYTES };
    const bare = encodeResponse({ kind: 'signed-vote', vote: SIGNED_VOTE });
    const reply = (extensionBytes: number): Uint8Array => {
      const extension = new Uint8Array(extensionBytes).fill(9);
      return encodeResponse({ kind: 'signed-vote', vote: { ...SIGNED_VOTE, extension } }, limit);
    };
    // The two lengths around it grow from two bytes to two: tag and length of the extension are three.
    const longest = MAX_REPLY_BYTES - bare.length - 3;
    expect(reply(longest).length).toBe(MAX_REPLY_BYTES);
    expect(reply(longest + 1)).toEqual(bare);
    expect(reply(1_048_576)).toEqual(bare);
  });

  it('keeps both signatures of a vote whose extension is left out (S22)', () => {
    const vote = { ...SIGNED_VOTE, extension: new Uint8Array(20_000) };
    const options = { omitExtensionAboveBytes: MAX_REPLY_BYTES };
    const body = encodeResponse({ kind: 'signed-vote', vote }, options);
    expect(decodeResponse(body)).toEqual({ kind: 'signed-vote', vote: SIGNED_VOTE });
  });
});

describe('decodeResponse', () => {
  it.each(RESPONSE_VECTORS)('reads $title', ({ body, response }) => {
    expect(decodeResponse(Uint8Array.fromHex(body))).toEqual(response);
  });

  it.each(READ_ONLY_RESPONSE_VECTORS)('reads $title', ({ body, response }) => {
    expect(decodeResponse(Uint8Array.fromHex(body))).toEqual(response);
  });

  it('reads what it writes, and what the code generated from the schema writes', () => {
    fc.assert(
      fc.property(arbitraryResponse, (response) => {
        expect(decodeResponse(encodeResponse(response))).toEqual(response);
        expect(decodeResponse(oracleResponse(response))).toEqual(response);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes a request for no answer', () => {
    expect(decodeResponse(Uint8Array.fromHex('3a00'))).toEqual({ kind: 'empty' });
  });

  it.each<[string, string, string]>([
    [
      'two different keys for two dialects',
      `${V034_KEY}1a20${'11'.repeat(32)}220765643235353139`,
      'ERR_CONTRADICTING_PUBLIC_KEYS',
    ],
    ['no key at all', '0a00', 'ERR_UNSUPPORTED_KEY_TYPE'],
    ['a secp256k1 key', `0a231221${'02'.repeat(33)}`, 'ERR_UNSUPPORTED_KEY_TYPE'],
    [
      'a secp256k1 key of v1',
      `1a21${'02'.repeat(33)}2209736563703235366b31`,
      'ERR_UNSUPPORTED_KEY_TYPE',
    ],
    ['a key of 31 bytes', `0a210a1f${'11'.repeat(31)}`, 'ERR_INVALID_PUBLIC_KEY'],
    ['an empty key', '0a020a00', 'ERR_INVALID_PUBLIC_KEY'],
    [
      'a key of v1 of 33 bytes',
      `1a21${'11'.repeat(33)}220765643235353139`,
      'ERR_INVALID_PUBLIC_KEY',
    ],
    ['a key of a wrong wire type', '0a020801', 'ERR_MALFORMED_MESSAGE'],
  ])('refuses %s', (_, hex, code) => {
    expect(() => decodeResponse(publicKeyResponse(hex))).toThrow(expect.objectContaining({ code }));
  });

  it('takes the same key in both dialects for one', () => {
    expect(decodeResponse(publicKeyResponse(V034_KEY + V1_KEY))).toEqual({
      kind: 'public-key',
      publicKey: { type: 'ed25519', bytes: VECTOR_PUBLIC_KEY },
    });
  });

  it.each([
    ['a signed vote without a vote', '2200', 'ERR_INVALID_VOTE_TYPE'],
    ['a vote with a negative height', '220f0a0d080110ffffffffffffffffff01', 'ERR_INVALID_HEIGHT'],
    ['a proposal with a hash of one byte', '32070a052a030a0111', 'ERR_INVALID_BLOCK_ID'],
    ['signed raw bytes nobody asked for', '52060a04aaaaaaaa', undefined],
  ])('refuses %s', (_, hex, reason) => {
    expect(() => decodeResponse(Uint8Array.fromHex(hex))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_RESPONSE', reason }),
    );
  });

  it('reads an error beside anything, and merges two as Go does', () => {
    const refused: PrivvalResponse = { kind: 'signed-vote', error: { code: 2, description: 'no' } };
    expect(
      decodeResponse(Uint8Array.fromHex('220a 1202 0802 1204 1202 6e6f'.replaceAll(' ', ''))),
    ).toEqual(refused);
  });

  it('replaces an error text that is not UTF-8, for it is only printed', () => {
    expect(decodeResponse(Uint8Array.fromHex('22051203 1201ff'.replaceAll(' ', '')))).toEqual({
      kind: 'signed-vote',
      error: { code: 0, description: '(text that is not UTF-8)' },
    });
  });
});

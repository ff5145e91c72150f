import { encodeFrame } from '@privval/proto/codec/delimited';
import {
  type CanonicalMessage,
  differOnlyInTimestamp,
  encodeSignBytes,
  parseSignBytes,
  proposalSignBytes,
  timestampOfSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BLOCK_B,
  EXTENSION_VECTORS,
  PROPOSAL_VECTORS,
  TIME_T,
  UNTYPED_VOTE_VECTORS,
  VOTE_VECTORS,
} from '../../vectors/sign-bytes.ts';
import {
  arbitraryCanonicalMessage,
  arbitraryChainId,
  arbitraryTimestamp,
  arbitraryVote,
} from './arbitraries.ts';
import { oracleExtensionSignBytes, oracleSignBytes, oracleUntypedVote } from './oracle.ts';

const MESSAGE_VECTORS: readonly { title: string; message: CanonicalMessage; signBytes: string }[] =
  [
    ...VOTE_VECTORS.map(({ title, vote, signBytes }) => ({ title, message: vote, signBytes })),
    ...PROPOSAL_VECTORS.map(({ title, proposal, signBytes }) => ({
      title,
      message: proposal,
      signBytes,
    })),
  ];

const A_VOTE: CanonicalMessage = {
  kind: 'vote',
  type: 'prevote',
  height: 7n,
  round: 0,
  blockId: BLOCK_B,
  timestamp: TIME_T,
  chainId: 'c',
};

function delimited(hex: string): Uint8Array {
  return encodeFrame(Uint8Array.fromHex(hex.replaceAll(' ', '')));
}

describe('sign bytes', () => {
  it.each(MESSAGE_VECTORS)('are the published ones: $title', ({ message, signBytes }) => {
    expect(encodeSignBytes(message).toHex()).toBe(signBytes);
    expect(parseSignBytes(Uint8Array.fromHex(signBytes))).toEqual(message);
  });

  it.each(EXTENSION_VECTORS)('of an extension are the published ones: $title', (vector) => {
    expect(voteExtensionSignBytes(vector.chainId, vector).toHex()).toBe(vector.signBytes);
  });

  it('leave out what a vote says about its sender and its extension (upstream case 5)', () => {
    fc.assert(
      fc.property(arbitraryVote, arbitraryVote, (vote, other) => {
        const { validatorAddress, validatorIndex, signature, extension, extensionSignature } =
          other;
        const disguised = {
          ...vote,
          ...{ validatorAddress, validatorIndex, signature, extension, extensionSignature },
        };
        expect(voteSignBytes('c', disguised)).toEqual(voteSignBytes('c', vote));
      }),
    );
  });

  it('agree with the code generated from the schema', () => {
    fc.assert(
      fc.property(arbitraryCanonicalMessage, (message) => {
        expect(encodeSignBytes(message).toHex()).toBe(oracleSignBytes(message).toHex());
      }),
      { numRuns: 2000 },
    );
  });

  it('of extensions agree with the code generated from the schema', () => {
    fc.assert(
      fc.property(arbitraryChainId, arbitraryVote, (chainId, vote) => {
        const signBytes = voteExtensionSignBytes(chainId, vote);
        expect(signBytes.toHex()).toBe(oracleExtensionSignBytes(chainId, vote).toHex());
      }),
    );
  });

  it('hold heights beyond 2^53 exactly', () => {
    const heights = [2n ** 53n + 1n, 2n ** 63n - 1n];
    for (const height of heights) {
      const signBytes = voteSignBytes('c', { ...A_VOTE, type: 'prevote', height });
      expect(parseSignBytes(signBytes).height).toBe(height);
    }
    const highest = voteSignBytes('c', { ...A_VOTE, type: 'prevote', height: 2n ** 63n - 1n });
    expect(highest.subarray(3, 12).toHex()).toBe('11ffffffffffffff7f');
  });

  it('count a chain id in bytes, not in characters', () => {
    const chainId = '鎖'.repeat(50);
    const signBytes = voteExtensionSignBytes(chainId, {
      extension: new Uint8Array(0),
      height: 0n,
      round: 0,
    });
    expect(signBytes.subarray(0, 5).toHex()).toBe('9901229601');
    expect(signBytes.length).toBe(155);
  });

  it('share memory with nothing, so that nobody can change what was reserved', () => {
    const first = voteSignBytes('c', { ...A_VOTE, type: 'prevote' });
    expect(first.buffer.byteLength).toBe(first.length);
  });

  it.each([
    ['a hash of 31 bytes', { blockId: { ...BLOCK_B, hash: new Uint8Array(31) } }],
    [
      'a part set hash of 33 bytes',
      { blockId: { ...BLOCK_B, partSetHeader: { total: 1, hash: new Uint8Array(33) } } },
    ],
    [
      'a part set total beyond 32 bits',
      { blockId: { ...BLOCK_B, partSetHeader: { total: 2 ** 32, hash: new Uint8Array(32) } } },
    ],
    ['the year 10000', { timestamp: { seconds: 253_402_300_800n, nanos: 0 } }],
    ['the year 0', { timestamp: { seconds: -62_135_596_801n, nanos: 0 } }],
    ['a thousand million nanoseconds', { timestamp: { seconds: 0n, nanos: 1_000_000_000 } }],
  ])('do not exist for %s', (_, fields) => {
    const vote = { ...A_VOTE, type: 'prevote', ...fields } as const;
    const proposal = { ...A_VOTE, polRound: -1, ...fields };
    const refusal = expect.objectContaining({ code: 'ERR_UNSIGNABLE_MESSAGE' });
    expect(() => voteSignBytes('c', vote)).toThrow(refusal);
    expect(() => proposalSignBytes('c', proposal)).toThrow(refusal);
  });
});

describe('parseSignBytes', () => {
  const refusal = expect.objectContaining({ code: 'ERR_INVALID_SIGN_BYTES' });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(arbitraryCanonicalMessage, (message) => {
        expect(parseSignBytes(encodeSignBytes(message))).toEqual(message);
      }),
      { numRuns: 2000 },
    );
  });

  it('never accepts two spellings of one message', () => {
    const flipped = fc.record({ at: fc.nat(400), bit: fc.nat(7) });
    fc.assert(
      fc.property(arbitraryCanonicalMessage, flipped, (message, { at, bit }) => {
        const signBytes = encodeSignBytes(message);
        const index = at % signBytes.length;
        signBytes[index] = (signBytes[index] ?? 0) ^ (1 << bit);
        try {
          // What is accepted all the same is another message, spelt as that one is.
          expect(encodeSignBytes(parseSignBytes(signBytes))).toEqual(signBytes);
        } catch (error) {
          expect(error).toEqual(refusal);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it.each(UNTYPED_VOTE_VECTORS)('refuses a vote without a type: $title', (vector) => {
    expect(oracleUntypedVote(vector).toHex()).toBe(vector.signBytes);
    expect(() => parseSignBytes(Uint8Array.fromHex(vector.signBytes))).toThrow(refusal);
  });

  it.each(EXTENSION_VECTORS)('refuses an extension: $title', ({ signBytes }) => {
    expect(() => parseSignBytes(Uint8Array.fromHex(signBytes))).toThrow(refusal);
  });

  it.each([
    ['nothing', ''],
    ['a length without a body', '0d'],
    ['a body shorter than its length', '0e08012a0b088092b8c398feffffff01'],
    ['a body longer than its length', '0c08012a0b088092b8c398feffffff01'],
    ['a length with a spare byte', '8f0008012a0b088092b8c398feffffff01'],
    ['the check message of an imported key, which starts with 00 (S27)', '00'],
  ])('refuses %s', (_, hex) => {
    expect(() => parseSignBytes(Uint8Array.fromHex(hex))).toThrow(refusal);
  });

  it('accepts the message that the refused ones below are made of', () => {
    expect(parseSignBytes(delimited('0801 110100000000000000 2a00 320163')).height).toBe(1n);
  });

  it.each([
    ['an empty body', ''],
    ['fields out of order', '0801 320163 2a00'],
    ['the type at another place', '2a00 0801'],
    ['a field twice', '0801 110100000000000000 110200000000000000 2a00'],
    ['a zero that is written', '0801 190000000000000000 2a00'],
    ['an empty chain id that is written', '0801 2a00 3200'],
    ['a nil block id that is written', '0801 22021200 2a00'],
    ['a type with a spare byte', '088100 2a00'],
    ['no time', '0801'],
    ['the year 10000', '0801 2a07 088083d1ffaf07'],
    ['a hash of 31 bytes', `0801 22230a1f${'11'.repeat(31)}1200 2a00`],
    ['an unknown field', '0801 2a00 380101'],
    ['a round of 33 bits', '0801 190000000001000000 2a00'],
    ['a POL round of 33 bits', '0820 208080808010 3200'],
    ['a chain id that is not UTF-8', '0801 2a00 3201ff'],
    ['type 0', '0800 2a00'],
    ['type 3', '0803 2a00'],
    ['a wrong wire type', '0801 2800'],
    ['a field that is cut short', '0801 2a05'],
  ])('refuses %s', (_, hex) => {
    expect(() => parseSignBytes(delimited(hex))).toThrow(refusal);
  });
});

describe('differOnlyInTimestamp', () => {
  it('says yes to one message at two times, and to equal bytes', () => {
    fc.assert(
      fc.property(arbitraryCanonicalMessage, arbitraryTimestamp, (message, timestamp) => {
        const other = encodeSignBytes({ ...message, timestamp });
        expect(differOnlyInTimestamp(encodeSignBytes(message), other)).toBe(true);
        expect(timestampOfSignBytes(other)).toEqual(timestamp);
      }),
    );
  });

  it('says no as soon as anything else differs, whatever the times', () => {
    fc.assert(
      fc.property(arbitraryCanonicalMessage, arbitraryCanonicalMessage, (a, b) => {
        const sameTime = { ...b, timestamp: a.timestamp };
        const equal = encodeSignBytes(a).toHex() === encodeSignBytes(sameTime).toHex();
        expect(differOnlyInTimestamp(encodeSignBytes(a), encodeSignBytes(b))).toBe(equal);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['the type', { type: 'precommit' }],
    ['the height', { height: 8n }],
    ['the round', { round: 1 }],
    ['the block: another one', { blockId: { ...BLOCK_B, hash: new Uint8Array(32) } }],
    [
      'the block: nil',
      {
        blockId: { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } },
      },
    ],
    ['the chain', { chainId: 'd' }],
  ])('says no when a vote differs in %s', (_, fields) => {
    const other = { ...A_VOTE, ...fields } as CanonicalMessage;
    expect(differOnlyInTimestamp(encodeSignBytes(A_VOTE), encodeSignBytes(other))).toBe(false);
  });

  it('says no when a proposal differs in its POL round', () => {
    const proposal = { ...A_VOTE, kind: 'proposal', polRound: -1 } as const;
    const other = proposalSignBytes('c', { ...proposal, polRound: 3 });
    expect(differOnlyInTimestamp(proposalSignBytes('c', proposal), other)).toBe(false);
  });

  it('refuses bytes that are none', () => {
    expect(() => differOnlyInTimestamp(encodeSignBytes(A_VOTE), new Uint8Array([0]))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_SIGN_BYTES' }),
    );
  });
});

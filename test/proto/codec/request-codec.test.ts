import { proposalSignBytes, voteSignBytes } from '@privval/proto/codec/sign-bytes';
import type { PrivvalRequest } from '@privval/proto/privval/messages';
import { decodeRequest, encodeRequest } from '@privval/proto/privval/request-codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import goDecoded from '../../vectors/go-decoded-requests.json' with { type: 'json' };
import { READ_ONLY_REQUEST_VECTORS, REQUEST_VECTORS } from '../../vectors/privval-messages.ts';
import { arbitraryProposal, arbitraryRequest, arbitraryVote } from './arbitraries.ts';
import { oracleRequest } from './oracle.ts';

const malformed = expect.objectContaining({ code: 'ERR_MALFORMED_MESSAGE' });

/** What came of a body, in the words of the vector file. */
function outcome(body: Uint8Array): string {
  let request: PrivvalRequest;
  try {
    request = decodeRequest(body);
  } catch (error) {
    expect(error).toEqual(malformed);
    return 'malformed';
  }
  switch (request.kind) {
    case 'sign-vote':
      return `signs ${voteSignBytes(request.chainId, request.vote).toHex()}`;
    case 'sign-proposal':
      return `signs ${proposalSignBytes(request.chainId, request.proposal).toHex()}`;
    case 'invalid':
      return `invalid ${request.code}`;
    default:
      return request.kind;
  }
}

describe('decodeRequest', () => {
  it.each(REQUEST_VECTORS)('reads $title', ({ body, request }) => {
    expect(decodeRequest(Uint8Array.fromHex(body))).toEqual(request);
  });

  it.each(READ_ONLY_REQUEST_VECTORS)('reads $title', ({ body, request }) => {
    expect(decodeRequest(Uint8Array.fromHex(body))).toEqual(request);
  });

  it.each(goDecoded.cases)('signs what a Go node would have read, or nothing: $title', (vector) => {
    expect(outcome(Uint8Array.fromHex(vector.body))).toBe(vector.ours);
    // Where Go signs and we do too, it is the same.
    if (vector.ours.startsWith('signs')) expect(vector.ours).toBe(vector.go);
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        expect(decodeRequest(encodeRequest(request))).toEqual(request);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads what the code generated from the schema writes', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        expect(decodeRequest(oracleRequest(request))).toEqual(request);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads a Buffer as it reads any bytes, and shares memory with neither', () => {
    const body = Buffer.from(REQUEST_VECTORS[4]?.body ?? '', 'hex');
    const request = decodeRequest(body);
    expect(request).toEqual(REQUEST_VECTORS[4]?.request);
    body.fill(0);
    expect(request).toEqual(REQUEST_VECTORS[4]?.request);
  });

  it('throws nothing but its own error on a request cut short anywhere', () => {
    fc.assert(
      fc.property(arbitraryRequest, fc.nat(1000), (request, at) => {
        const body = encodeRequest(request);
        expect(['malformed', 'unknown']).toContain(outcome(body.subarray(0, at % body.length)));
      }),
      { numRuns: 2000 },
    );
  });

  it('says where a malformed body went wrong', () => {
    expect(() => decodeRequest(Uint8Array.fromHex('3a0142'))).toThrow(
      expect.objectContaining({ code: 'ERR_MALFORMED_MESSAGE', offset: 3 }),
    );
  });

  it('never reads what SignBytesRequest wants signed (S23)', () => {
    expect(decodeRequest(Uint8Array.fromHex('4a050a03010203'))).toEqual({ kind: 'sign-bytes' });
    // Celestia's request of the same number: a chain id in field 1.
    expect(
      decodeRequest(Uint8Array.fromHex('4a0a0a0163120101 1a0278 79'.replaceAll(' ', ''))),
    ).toEqual({ kind: 'sign-bytes' });
  });

  it('takes a chain id of 50 bytes for one, and a longer one for none', () => {
    const request = (chainId: string) =>
      decodeRequest(encodeRequest({ kind: 'public-key', chainId }));
    expect(request('c'.repeat(50))).toEqual({ kind: 'public-key', chainId: 'c'.repeat(50) });
    const invalid = expect.objectContaining({
      kind: 'invalid',
      asked: 'public-key',
      code: 'ERR_INVALID_CHAIN_ID',
    });
    expect(request('c'.repeat(51))).toEqual(invalid);
    expect(request('鎖'.repeat(17))).toEqual(invalid);
  });

  it.each([
    [
      'a validator address of 33 bytes',
      'ERR_INVALID_VALIDATOR_ADDRESS',
      { validatorAddress: new Uint8Array(33) },
    ],
    [
      'a signature of 3310 bytes',
      'ERR_INVALID_SIGNATURE_LENGTH',
      { signature: new Uint8Array(3310) },
    ],
    [
      'an extension signature of 3310 bytes',
      'ERR_INVALID_SIGNATURE_LENGTH',
      { extensionSignature: new Uint8Array(3310) },
    ],
    ['an index of 33 bits', 'ERR_INVALID_VALIDATOR_INDEX', { validatorIndex: 2 ** 31 }],
  ])('answers %s with a code of its own', (_, code, fields) => {
    const [vote] = fc.sample(arbitraryVote, { numRuns: 1, seed: 1 });
    if (vote === undefined) expect.unreachable();
    const body = encodeRequest({
      kind: 'sign-vote',
      chainId: 'c',
      vote: { ...vote, ...fields },
      skipExtensionSigning: false,
    });
    expect(decodeRequest(body)).toMatchObject({ kind: 'invalid', asked: 'sign-vote', code });
  });

  it('answers a proposal with a signature of 3310 bytes with a code of its own', () => {
    const [proposal] = fc.sample(arbitraryProposal, { numRuns: 1, seed: 3 });
    if (proposal === undefined) expect.unreachable();
    const asked = (signature: Uint8Array) =>
      decodeRequest(
        encodeRequest({
          kind: 'sign-proposal',
          chainId: 'c',
          proposal: { ...proposal, signature },
        }),
      );
    expect(asked(new Uint8Array(3309))).toMatchObject({ kind: 'sign-proposal' });
    expect(asked(new Uint8Array(3310))).toMatchObject({
      kind: 'invalid',
      asked: 'sign-proposal',
      code: 'ERR_INVALID_SIGNATURE_LENGTH',
    });
  });

  it('takes a skip flag of any value but 0 for true, as Go does', () => {
    const body = (flag: string) =>
      Uint8Array.fromHex(
        `1a${(10 + flag.length / 2).toString(16).padStart(2, '0')}0a0408012a0018${flag}120163`,
      );
    for (const [flag, skip] of [
      ['00', false],
      ['01', true],
      ['02', true],
      ['8080808010', true],
    ] as const) {
      expect(decodeRequest(body(flag))).toMatchObject({ skipExtensionSigning: skip });
    }
  });

  it('keeps the whole of an extension of 1 MiB, and a negative validator index', () => {
    const [vote] = fc.sample(arbitraryVote, { numRuns: 1, seed: 2 });
    if (vote === undefined) expect.unreachable();
    const extension = new Uint8Array(1_048_576).fill(7);
    const request = {
      kind: 'sign-vote' as const,
      chainId: 'c',
      vote: { ...vote, extension, validatorIndex: -1 },
      skipExtensionSigning: true,
    };
    const body = encodeRequest(request);
    expect(body.toHex()).toContain('38ffffffffffffffffff01');
    expect(decodeRequest(body)).toEqual(request);
  });
});

describe('encodeRequest', () => {
  it.each(REQUEST_VECTORS.filter(({ title }) => !title.includes('empty chain id')))(
    'writes $title',
    ({ body, request }) => {
      expect(encodeRequest(request).toHex()).toBe(body);
    },
  );

  it('writes what the code generated from the schema writes', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        expect(encodeRequest(request).toHex()).toBe(oracleRequest(request).toHex());
      }),
      { numRuns: 2000 },
    );
  });
});

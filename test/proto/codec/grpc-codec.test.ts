import { GET_PUB_KEY, SIGN_PROPOSAL, SIGN_VOTE } from '@privval/proto/privval/grpc-codec';
import type { PrivvalRequest, PrivvalResponse } from '@privval/proto/privval/messages';
import { encodeRequest } from '@privval/proto/privval/request-codec';
import { encodeResponse } from '@privval/proto/privval/response-codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryRequest, arbitraryResponse } from './arbitraries.ts';

/** What is inside an envelope: the bytes behind its tag and length. */
function bare(envelope: Uint8Array): Uint8Array {
  let start = 1;
  while ((envelope[start] ?? 0) > 127) start += 1;
  return envelope.subarray(start + 1);
}

function codecOf(kind: PrivvalRequest['kind'] | PrivvalResponse['kind']) {
  if (kind === 'public-key') return GET_PUB_KEY;
  if (kind === 'sign-vote' || kind === 'signed-vote') return SIGN_VOTE;
  if (kind === 'sign-proposal' || kind === 'signed-proposal') return SIGN_PROPOSAL;
  return undefined;
}

describe('the gRPC codecs', () => {
  it('name the methods as v0.35 nodes call them', () => {
    expect([GET_PUB_KEY.path, SIGN_VOTE.path, SIGN_PROPOSAL.path]).toEqual([
      '/tendermint.privval.PrivValidatorAPI/GetPubKey',
      '/tendermint.privval.PrivValidatorAPI/SignVote',
      '/tendermint.privval.PrivValidatorAPI/SignProposal',
    ]);
  });

  it('carry the requests of the socket without their envelope', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const codec = codecOf(request.kind);
        fc.pre(codec !== undefined);
        const bytes = codec.encodeRequest(request as never);
        expect(bytes.toHex()).toBe(bare(encodeRequest(request)).toHex());
        expect(codec.decodeRequest(bytes)).toEqual(request);
      }),
    );
  });

  it('carry the responses of the socket without their envelope', () => {
    fc.assert(
      fc.property(arbitraryResponse, (response) => {
        const codec = codecOf(response.kind);
        fc.pre(codec !== undefined);
        const envelope = encodeResponse(response);
        expect(codec.decodeResponse(bare(envelope))).toEqual(response);
        if ('error' in response) return;
        expect(codec.encodeResponse(response as never).toHex()).toBe(bare(envelope).toHex());
      }),
    );
  });

  it('take an empty request to sign for one without a vote, which crashes the reference server', () => {
    const nothing = new Uint8Array(0);
    expect(SIGN_VOTE.decodeRequest(nothing)).toMatchObject({
      kind: 'invalid',
      asked: 'sign-vote',
      code: 'ERR_MISSING_VOTE',
    });
    expect(SIGN_PROPOSAL.decodeRequest(nothing)).toMatchObject({ code: 'ERR_MISSING_PROPOSAL' });
    expect(GET_PUB_KEY.decodeRequest(nothing)).toEqual({ kind: 'public-key', chainId: '' });
  });

  it('read an error in a response, which the reference client overlooks (S23)', () => {
    expect(SIGN_VOTE.decodeResponse(Uint8Array.fromHex('1200'))).toEqual({
      kind: 'signed-vote',
      error: { code: 0, description: '' },
    });
  });
});

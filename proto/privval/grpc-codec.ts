/**
 * `tendermint.privval.PrivValidatorAPI`: the requests and responses bare (spec/privval.md 2.9).
 *
 * Over gRPC a refusal is a status. A response with `error` in it is read for what it says, since a
 * foreign signer may send one, but none is ever written (S23).
 */
import type { Writer } from 'protobufjs/minimal.js';
import { WireReader } from '../codec/wire-reader.ts';
import { newWriter, writtenBytes } from '../codec/wire-writer.ts';
import {
  type RequestOf,
  readPublicKeyRequest,
  readSignProposalRequest,
  readSignVoteRequest,
  writePublicKeyRequest,
  writeSignProposalRequest,
  writeSignVoteRequest,
} from './request-codec.ts';
import {
  type ResponseOf,
  readPublicKeyResponse,
  readSignedProposalResponse,
  readSignedVoteResponse,
  writePublicKeyResponse,
  writeSignedProposalResponse,
  writeSignedVoteResponse,
} from './response-codec.ts';

/** One unary method: where it is, and how its messages become bytes. */
export interface GrpcMethod<Request, Response, Answer extends Response = Response> {
  /** `/package.Service/Method`. */
  readonly path: string;
  encodeRequest(request: Request): Uint8Array;
  /**
   * Content that breaks a rule is `invalid`.
   * @throws {MalformedMessageError} ERR_MALFORMED_MESSAGE
   */
  decodeRequest(bytes: Uint8Array): Request | RequestOf<'invalid'>;
  encodeResponse(response: Answer): Uint8Array;
  /** @throws what {@link decodeResponse} throws. */
  decodeResponse(bytes: Uint8Array): Response;
}

/** A response that is not an error. */
export type AnswerOf<Kind extends 'public-key' | 'signed-vote' | 'signed-proposal'> = Exclude<
  ResponseOf<Kind>,
  { readonly error: unknown }
>;

/** PubKeyRequest → PubKeyResponse. */
export const GET_PUB_KEY: GrpcMethod<
  RequestOf<'public-key'>,
  ResponseOf<'public-key'>,
  AnswerOf<'public-key'>
> = {
  path: '/tendermint.privval.PrivValidatorAPI/GetPubKey',
  encodeRequest: (request) => written((writer) => writePublicKeyRequest(writer, request)),
  decodeRequest: (bytes) => readPublicKeyRequest(new WireReader(bytes)),
  encodeResponse: (response) => written((writer) => writePublicKeyResponse(writer, response)),
  decodeResponse: (bytes) => readPublicKeyResponse(new WireReader(bytes)),
};

/** SignVoteRequest → SignedVoteResponse. */
export const SIGN_VOTE: GrpcMethod<
  RequestOf<'sign-vote'>,
  ResponseOf<'signed-vote'>,
  AnswerOf<'signed-vote'>
> = {
  path: '/tendermint.privval.PrivValidatorAPI/SignVote',
  encodeRequest: (request) => written((writer) => writeSignVoteRequest(writer, request)),
  decodeRequest: (bytes) => readSignVoteRequest(new WireReader(bytes)),
  encodeResponse: (response) => written((writer) => writeSignedVoteResponse(writer, response)),
  decodeResponse: (bytes) => readSignedVoteResponse(new WireReader(bytes)),
};

/** SignProposalRequest → SignedProposalResponse. */
export const SIGN_PROPOSAL: GrpcMethod<
  RequestOf<'sign-proposal'>,
  ResponseOf<'signed-proposal'>,
  AnswerOf<'signed-proposal'>
> = {
  path: '/tendermint.privval.PrivValidatorAPI/SignProposal',
  encodeRequest: (request) => written((writer) => writeSignProposalRequest(writer, request)),
  decodeRequest: (bytes) => readSignProposalRequest(new WireReader(bytes)),
  encodeResponse: (response) => written((writer) => writeSignedProposalResponse(writer, response)),
  decodeResponse: (bytes) => readSignedProposalResponse(new WireReader(bytes)),
};

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = newWriter();
  write(writer);
  return writtenBytes(writer);
}

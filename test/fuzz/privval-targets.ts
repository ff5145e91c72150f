/** The decoders of proto/codec and proto/privval. */
import { FrameReader } from '@privval/proto/codec/delimited';
import {
  differOnlyInTimestamp,
  parseSignBytes,
  proposalSignBytes,
  timestampOfSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { GET_PUB_KEY, SIGN_PROPOSAL, SIGN_VOTE } from '@privval/proto/privval/grpc-codec';
import { MAX_REPLY_BYTES, type PrivvalRequest } from '@privval/proto/privval/messages';
import { decodeRequest, encodeRequest } from '@privval/proto/privval/request-codec';
import { decodeResponse, encodeResponse } from '@privval/proto/privval/response-codec';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { isValidTimestamp } from '@privval/proto/types/timestamp';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';

/** Bodies of requests, as a node's socket brings them. */
export const requestTarget: FuzzTarget = {
  name: 'privval-request',
  run(bytes) {
    const request = decodeRequest(bytes);
    if (request.kind === 'unknown' || request.kind === 'sign-bytes') return;
    if (request.kind === 'invalid') {
      owed(request.text.length < 200, 'a refusal is short, whatever was sent');
      return;
    }
    checkSignable(request);
    const written = encodeRequest(request);
    const again = decodeRequest(written);
    owed(again.kind === request.kind, 'a request that was written is read as its kind');
    owed(
      equalBytes(encodeRequest(again as typeof request), written),
      'a request survives the wire',
    );
    owed(written.length <= 2 * bytes.length + 64, 'a request does not grow');
  },
  allowed: isCodedRefusal,
};

/** Whatever a decoder lets through can be put before a key: its sign bytes exist, and parse. */
function checkSignable(request: PrivvalRequest): void {
  if (request.kind === 'sign-vote') {
    const signBytes = voteSignBytes(request.chainId, request.vote);
    const message = parseSignBytes(signBytes);
    owed(message.kind === 'vote' && message.height === request.vote.height, 'a vote is signable');
    voteExtensionSignBytes(request.chainId, request.vote);
  }
  if (request.kind === 'sign-proposal') {
    const message = parseSignBytes(proposalSignBytes(request.chainId, request.proposal));
    owed(message.kind === 'proposal', 'a proposal is signable');
  }
}

/** Bodies of responses, as a foreign signer sends them. */
export const responseTarget: FuzzTarget = {
  name: 'privval-response',
  run(bytes) {
    const response = decodeResponse(bytes);
    const written = encodeResponse(response);
    const again = encodeResponse(decodeResponse(written));
    owed(equalBytes(again, written), 'a response survives the wire');
    const limited = encodeResponse(response, { omitExtensionAboveBytes: MAX_REPLY_BYTES });
    const fits = limited.length <= MAX_REPLY_BYTES;
    owed(fits || 'error' in response, 'a reply fits what every node reads (S22)');
  },
  allowed: isCodedRefusal,
};

const GRPC_METHODS = [GET_PUB_KEY, SIGN_VOTE, SIGN_PROPOSAL] as const;

/** Bare requests: the first byte chooses the method. */
export const grpcRequestTarget: FuzzTarget = {
  name: 'grpc-request',
  run(bytes) {
    const method = methodOf(bytes);
    const request = method.decodeRequest(bytes.subarray(1));
    if (request.kind === 'invalid') return;
    checkSignable(request);
    const written = method.encodeRequest(request as never);
    const again = method.encodeRequest(method.decodeRequest(written) as never);
    owed(equalBytes(again, written), 'a request survives the wire');
  },
  allowed: isCodedRefusal,
};

/** Bare responses: the first byte chooses the method. */
export const grpcResponseTarget: FuzzTarget = {
  name: 'grpc-response',
  run(bytes) {
    const method = methodOf(bytes);
    const response = method.decodeResponse(bytes.subarray(1));
    if ('error' in response) return;
    const written = method.encodeResponse(response as never);
    const again = method.encodeResponse(method.decodeResponse(written) as never);
    owed(equalBytes(again, written), 'a response survives the wire');
  },
  allowed: isCodedRefusal,
};

function methodOf(bytes: Uint8Array): (typeof GRPC_METHODS)[number] {
  return GRPC_METHODS[(bytes[0] ?? 0) % GRPC_METHODS.length] ?? GET_PUB_KEY;
}

/** A stream of frames: the first byte chooses how it is cut, the rest is on it. */
export const frameReaderTarget: FuzzTarget = {
  name: 'frame-reader',
  async run(bytes) {
    const whole = bytes.subarray(1);
    const chunkBytes = 1 + ((bytes[0] ?? 0) % 64);
    const atOnce = await framesOf(whole, Math.max(whole.length, 1));
    const inPieces = await framesOf(whole, chunkBytes);
    owed(atOnce === inPieces, 'the cut of a stream does not show in its frames');
  },
  allowed: isCodedRefusal,
};

/** All frames as one text, and how it ended. */
async function framesOf(whole: Uint8Array, chunkBytes: number): Promise<string> {
  const reader = new FrameReader({ stream: slices(whole, chunkBytes) }, { maxBytes: 1000 });
  let frames = '';
  for (;;) {
    try {
      const body = await reader.read();
      if (body === undefined) return `${frames} closed`;
      frames += ` ${hexFromBytes(body)}.`;
    } catch (error) {
      owed(isCodedRefusal(error), `no other error than ours: ${String(error)}`);
      return `${frames} ${errorCode(error)}`;
    }
  }
}

function slices(whole: Uint8Array, chunkBytes: number): ByteStream {
  let at = 0;
  return {
    read: () => {
      if (at === whole.length) return Promise.resolve(undefined);
      const chunk = whole.subarray(at, at + chunkBytes);
      at += chunk.length;
      return Promise.resolve(chunk);
    },
    write: () => Promise.resolve(),
    remote: 'fuzz',
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Sign bytes, as a state file brings them. */
export const signBytesTarget: FuzzTarget = {
  name: 'sign-bytes',
  run(bytes) {
    const message = parseSignBytes(bytes);
    const again =
      message.kind === 'vote'
        ? voteSignBytes(message.chainId, message)
        : proposalSignBytes(message.chainId, message);
    owed(equalBytes(again, bytes), 'one message has one spelling');
    owed(differOnlyInTimestamp(bytes, again), 'a message is like itself');
    owed(isValidTimestamp(timestampOfSignBytes(bytes)), 'a time that was signed is a time');
  },
  allowed: isCodedRefusal,
};

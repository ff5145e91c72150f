/**
 * A signer that behaves as CometBFT's own does (a `SignerServer` over a FilePV), until its script
 * says otherwise.
 */

import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import {
  proposalSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { PrivvalRequest, PrivvalResponse } from '@privval/proto/privval/messages';
import { decodeRequest } from '@privval/proto/privval/request-codec';
import { encodeResponse } from '@privval/proto/privval/response-codec';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { isNilBlockId } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Timestamp } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';

/** How one request is answered. The plain ones are honest; each of the others is one way to fail. */
export type SignerMove =
  | 'answer'
  /** Answers after `slowMs`. */
  | 'slow'
  /** Never answers, keeps the connection. */
  | 'silent'
  /** Answers a vote with a ping, anything else with an empty message. */
  | 'wrong-type'
  /** An empty message (`00`), as CometBFT's signer answers what it does not know. */
  | 'empty'
  /** Announces more than any reader takes. */
  | 'oversize'
  /** A frame that is no protobuf message. */
  | 'garbage'
  /** Half an answer, then a close. */
  | 'truncated'
  /** Closes without an answer, as tmkms does on a regression. */
  | 'close'
  /** Answers twice. */
  | 'twice'
  /** Signs honestly, but echoes height, block and extension of something else. */
  | 'echo-other'
  /** Signs the message at the next height and echoes ours. */
  | 'sign-other'
  /** One bit of the signature is wrong. */
  | 'bad-signature'
  /** 63 bytes of signature. */
  | 'short-signature'
  /** The extension signature is wrong. */
  | 'bad-extension-signature'
  /** The extension signature is left out, as signers of v0.34 do. */
  | 'no-extension-signature'
  /** Refuses, with the message left out, as tmkms does. */
  | 'refuse'
  /** Signs with `otherTimestamp`, as a repeat does. */
  | 'other-timestamp';

/** Every {@link SignerMove}. */
export const SIGNER_MOVES: readonly SignerMove[] = [
  'answer',
  'slow',
  'silent',
  'wrong-type',
  'empty',
  'oversize',
  'garbage',
  'truncated',
  'close',
  'twice',
  'echo-other',
  'sign-other',
  'bad-signature',
  'short-signature',
  'bad-extension-signature',
  'no-extension-signature',
  'refuse',
  'other-timestamp',
];

/** What `slow` waits. */
export const SLOW_MS = 115;

/** What `other-timestamp` signs. */
export const OTHER_TIMESTAMP: Timestamp = { seconds: 1_700_000_000n, nanos: 7 };

/** What a scripted signer is made of. */
export interface ScriptedSignerDeps {
  /** After its handshake. The signer owns it. */
  readonly stream: ByteStream;
  readonly key: Ed25519SecretKey;
  readonly clock: Clock;
  /** Asked once per request. @default always `answer` */
  readonly next?: ((request: PrivvalRequest) => SignerMove) | undefined;
}

/** Answers requests on one stream until it ends. */
export class ScriptedSigner implements AsyncDisposable {
  readonly #deps: ScriptedSignerDeps;
  readonly #shutdown = new AbortController();
  /** Kinds of the requests that came, in order. */
  readonly seen: PrivvalRequest['kind'][] = [];
  /** Settles when the connection is over. */
  readonly closed: Promise<void>;

  private constructor(deps: ScriptedSignerDeps) {
    this.#deps = deps;
    this.closed = this.#serve();
  }

  static start(deps: ScriptedSignerDeps): ScriptedSigner {
    return new ScriptedSigner(deps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.closed;
  }

  async #serve(): Promise<void> {
    const { stream, next = () => 'answer' } = this.#deps;
    const { signal } = this.#shutdown;
    const frames = new FrameReader({ stream }, { maxBytes: 2_000_000 });
    try {
      for (;;) {
        const body = await frames.read({ signal });
        if (body === undefined) return;
        const request = decodeRequest(body);
        this.seen.push(request.kind);
        const bytes = await this.#bytesFor(next(request), request);
        if (bytes === 'close') return;
        if (bytes.length > 0) await stream.write(bytes, { signal });
      }
    } catch {
      // The node went away, or the test is over: what the node made of it is the test's matter.
    } finally {
      await stream[Symbol.asyncDispose]();
    }
  }

  async #bytesFor(move: SignerMove, request: PrivvalRequest): Promise<Uint8Array | 'close'> {
    const honest = encodeFrame(encodeResponse(this.#answer(request, move)));
    switch (move) {
      case 'slow':
        await this.#deps.clock.sleep(SLOW_MS, { signal: this.#shutdown.signal });
        return honest;
      case 'silent':
        return new Uint8Array(0);
      case 'wrong-type':
        return encodeFrame(
          encodeResponse(
            request.kind === 'sign-vote' ? { kind: 'ping' } : { kind: 'signed-vote', vote: ZERO },
          ),
        );
      case 'empty':
        return Uint8Array.of(0);
      case 'oversize':
        return bytesFromHex('ffffff7f00');
      case 'garbage':
        return bytesFromHex('03ffffff');
      case 'truncated':
        await this.#deps.stream.write(honest.subarray(0, honest.length - 1));
        return 'close';
      case 'close':
        return 'close';
      case 'twice':
        return Uint8Array.of(...honest, ...honest);
      default:
        return honest;
    }
  }

  #answer(request: PrivvalRequest, move: SignerMove): PrivvalResponse {
    const error = { code: 2, description: 'double signing requested' };
    switch (request.kind) {
      case 'ping':
        return { kind: 'ping' };
      case 'public-key':
        return move === 'refuse'
          ? { kind: 'public-key', error }
          : { kind: 'public-key', publicKey: this.#deps.key.publicKey };
      case 'sign-vote':
        return move === 'refuse'
          ? { kind: 'signed-vote', error }
          : { kind: 'signed-vote', vote: this.#signedVote(request.chainId, request.vote, move) };
      case 'sign-proposal':
        return move === 'refuse'
          ? { kind: 'signed-proposal', error }
          : {
              kind: 'signed-proposal',
              proposal: this.#signedProposal(request.chainId, request.proposal, move),
            };
      default:
        return { kind: 'empty' };
    }
  }

  #signedVote(chainId: string, asked: Vote, move: SignerMove): Vote {
    const vote = { ...asked, ...this.#timestamp(move) };
    const covered = move === 'sign-other' ? { ...vote, height: vote.height + 1n } : vote;
    const signature = this.#sign(voteSignBytes(chainId, covered), move);
    const extensible = vote.type === 'precommit' && !isNilBlockId(vote.blockId);
    let extensionSignature = new Uint8Array(0);
    if (extensible && move !== 'no-extension-signature') {
      extensionSignature = new Uint8Array(
        this.#deps.key.sign(voteExtensionSignBytes(chainId, covered)),
      );
      if (move === 'bad-extension-signature') flipBit(extensionSignature);
    }
    const echoed = move === 'echo-other' ? { ...vote, ...OTHER_ECHO } : vote;
    return { ...echoed, signature, extensionSignature };
  }

  #signedProposal(chainId: string, asked: Proposal, move: SignerMove): Proposal {
    const proposal = { ...asked, ...this.#timestamp(move) };
    const covered =
      move === 'sign-other' ? { ...proposal, height: proposal.height + 1n } : proposal;
    const signature = this.#sign(proposalSignBytes(chainId, covered), move);
    return { ...proposal, ...(move === 'echo-other' ? { height: 999n } : {}), signature };
  }

  #timestamp(move: SignerMove): { timestamp?: Timestamp } {
    return move === 'other-timestamp' ? { timestamp: OTHER_TIMESTAMP } : {};
  }

  #sign(bytes: Uint8Array, move: SignerMove): Uint8Array {
    const signature = this.#deps.key.sign(bytes);
    if (move === 'bad-signature') flipBit(signature);
    return move === 'short-signature' ? signature.subarray(0, 63) : signature;
  }
}

function flipBit(bytes: Uint8Array): void {
  bytes[0] = (bytes[0] ?? 0) ^ 1;
}

/** What `echo-other` puts in place of the vote's own. */
const OTHER_ECHO: Partial<Vote> = {
  height: 999n,
  round: 7,
  extension: new Uint8Array(0),
  validatorIndex: 12,
};

const ZERO: Vote = {
  type: 'prevote',
  height: 0n,
  round: 0,
  blockId: { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } },
  timestamp: { seconds: 0n, nanos: 0 },
  validatorAddress: new Uint8Array(0),
  validatorIndex: 0,
  signature: new Uint8Array(0),
  extension: new Uint8Array(0),
  extensionSignature: new Uint8Array(0),
};

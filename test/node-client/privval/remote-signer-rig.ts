/** A remote signer in memory, and scripted signers that dial it. */
import { RemoteSigner, type RemoteSignerOptions } from '@privval/node-client/privval/remote-signer';
import { type SecureStream, SignerListener } from '@privval/node-client/privval/signer-listener';
import { StreamEndpoint } from '@privval/node-client/privval/stream-endpoint';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { PrivvalRequest } from '@privval/proto/privval/messages';
import type { BlockId } from '@privval/proto/types/block-id';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemoryListener } from '../../harness/memory-listener.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScriptedSigner, type SignerMove } from '../../harness/scripted-signer.ts';

export const CHAIN: ChainId = parseChainId('test-chain');

export const BLOCK_ID: BlockId = {
  hash: new Uint8Array(32).fill(0xaa),
  partSetHeader: { total: 3, hash: new Uint8Array(32).fill(0xbb) },
};

/** A precommit for a block, with an extension, unless told otherwise. */
export function newVote(changes: Partial<Vote> = {}): Vote {
  return {
    type: 'precommit',
    height: 10n,
    round: 1,
    blockId: BLOCK_ID,
    timestamp: { seconds: 1_570_983_284n, nanos: 5 },
    validatorAddress: new Uint8Array(20).fill(0xcc),
    validatorIndex: 3,
    signature: new Uint8Array(0),
    extension: Uint8Array.of(1, 2, 3),
    extensionSignature: new Uint8Array(0),
    ...changes,
  };
}

/** A proposal at the same position. */
export function newProposal(changes: Partial<Proposal> = {}): Proposal {
  return {
    height: 10n,
    round: 1,
    polRound: -1,
    blockId: BLOCK_ID,
    timestamp: { seconds: 1_570_983_284n, nanos: 5 },
    signature: new Uint8Array(0),
    ...changes,
  };
}

/** The node's side over memory streams and a manual clock; disposing ends it and its signers. */
export class RemoteSignerRig implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly streams: MemoryListener = new MemoryListener();
  readonly key: Ed25519SecretKey = Ed25519SecretKey.generate();
  readonly listener: SignerListener;
  readonly remote: RemoteSigner;
  readonly #signers: ScriptedSigner[] = [];

  constructor(
    options: RemoteSignerOptions & {
      readonly maxWaiting?: number | undefined;
      readonly secure?: SecureStream | undefined;
    } = {},
  ) {
    const { clock, logger, streams } = this;
    const secure = options.secure ?? (async (stream) => ({ stream }));
    this.listener = SignerListener.start({ streams, secure, clock, logger });
    const endpoint = StreamEndpoint.start({ listener: this.listener, clock, logger }, options);
    this.remote = RemoteSigner.over({ endpoint, clock }, options);
  }

  /** Dials a signer in that makes the moves given, then goes on with the last of them. */
  connect(...moves: readonly SignerMove[]): ScriptedSigner {
    let count = 0;
    return this.connectWith(() => moves[count++] ?? moves.at(-1) ?? 'answer');
  }

  /** Dials a signer in that answers the public key honestly and makes `moves` on the rest. */
  connectKeyed(...moves: readonly SignerMove[]): ScriptedSigner {
    let count = 0;
    return this.connectWith((request) =>
      request.kind === 'sign-vote' || request.kind === 'sign-proposal'
        ? (moves[count++] ?? moves.at(-1) ?? 'answer')
        : 'answer',
    );
  }

  connectWith(next: (request: PrivvalRequest) => SignerMove): ScriptedSigner {
    const { clock, key } = this;
    const signer = ScriptedSigner.start({ stream: this.streams.dial(), key, clock, next });
    this.#signers.push(signer);
    return signer;
  }

  /** Lets everything run that can run without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await this.clock.advance(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remote[Symbol.asyncDispose]();
    for (const signer of this.#signers) await signer[Symbol.asyncDispose]();
  }
}

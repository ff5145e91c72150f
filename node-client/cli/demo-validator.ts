/** A validator that does what a node does with its signer, and nothing else of a node. */
import { randomBytes } from 'node:crypto';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import type { PrivValidator, Refusal, SignResult } from '@privval/proto/privval/priv-validator';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { BlockId } from '@privval/proto/types/block-id';
import type { ChainId } from '@privval/proto/types/chain-id';
import { timestampFromMs } from '@privval/proto/types/timestamp';
import type { Vote, VoteType } from '@privval/proto/types/vote';
import { LatencySamples } from './latency-samples.ts';

/** Heights from one attempt at a double sign to the next. */
const HEIGHTS_PER_ATTEMPT = 10;

/** A second block was signed at one height, round and step: the one thing a signer must never do. */
export class DoubleSignError extends CodedError {
  override readonly name = 'DoubleSignError';
  readonly code = 'ERR_DOUBLE_SIGN';

  constructor(height: bigint) {
    super(`the signer signed two different blocks at height ${height}`);
  }
}

/** How far a {@link runDemoValidator} has come. It writes, the screen reads. */
export class DemoProgress {
  /** When the signer was first there, by the clock's `monotonicMs`; `undefined` before. */
  startedMs: number | undefined;
  /** The height that was finished last; 0 before the first. */
  height: bigint = 0n;
  /** Messages signed, each verified before it counted. */
  signed: number = 0;
  /** Messages that should have been signed and were not, and what the signer said at the last. */
  refused = 0;
  lastRefusal: Refusal | undefined;
  /** Requests for a second, different block where one was signed already, and how many were refused. */
  doubleSignAttempts = 0;
  doubleSignRefusals = 0;
  readonly latency: Readonly<Record<'proposal' | VoteType, LatencySamples>> = {
    proposal: new LatencySamples(),
    prevote: new LatencySamples(),
    precommit: new LatencySamples(),
  };
}

/** Collaborators of {@link runDemoValidator}. */
export interface DemoValidatorDeps {
  readonly signer: PrivValidator;
  readonly clock: Clock;
  readonly progress: DemoProgress;
}

/** What chain to pretend, how fast and how far. */
export interface DemoValidatorOptions extends AbortOptions {
  readonly chainId: ChainId;
  /** From the start of one height to the next; 0 goes as fast as the signer answers. */
  readonly intervalMs: number;
  /** Heights to sign; `undefined` goes on until the signal. */
  readonly heights?: number | undefined;
}

/**
 * Signs a proposal, a prevote and a precommit, height after height, and asks for the public key
 * after each, as nodes do after a commit (spec/privval.md 3.5). At the first height and every tenth
 * after it, it also asks for a precommit for another block, which has to be refused.
 *
 * @throws {DoubleSignError} ERR_DOUBLE_SIGN
 * @throws what the signer throws: it is gone.
 */
export async function runDemoValidator(
  deps: DemoValidatorDeps,
  options: DemoValidatorOptions,
): Promise<void> {
  const { clock, progress } = deps;
  const { chainId, signal } = options;
  for (let count = 0; options.heights === undefined || count < options.heights; count++) {
    const publicKey = await deps.signer.publicKey(chainId, { signal });
    progress.startedMs ??= clock.monotonicMs();
    const height = progress.height + 1n;
    await signHeight(deps, options, height, addressFromPublicKey(publicKey));
    if (count % HEIGHTS_PER_ATTEMPT === 0) await tryDoubleSign(deps, options, height);
    progress.height = height;
    const pauseMs = progress.startedMs + (count + 1) * options.intervalMs - clock.monotonicMs();
    if (pauseMs > 0 && count + 1 !== options.heights) await clock.sleep(pauseMs, { signal });
  }
}

async function signHeight(
  deps: DemoValidatorDeps,
  options: DemoValidatorOptions,
  height: bigint,
  validatorAddress: Uint8Array,
): Promise<void> {
  const { signer, clock } = deps;
  const { chainId, signal } = options;
  const blockId = randomBlockId();
  const proposal = {
    height,
    round: 0,
    polRound: -1,
    blockId,
    timestamp: timestampFromMs(clock.now()),
    signature: new Uint8Array(0),
  };
  await measured(deps, 'proposal', () => signer.signProposal(chainId, proposal, { signal }));
  for (const type of ['prevote', 'precommit'] as const) {
    const vote = { ...newVote(type, height, blockId, clock), validatorAddress };
    await measured(deps, type, () => signer.signVote(chainId, vote, { signal }));
  }
}

async function measured<Message>(
  deps: DemoValidatorDeps,
  type: 'proposal' | VoteType,
  sign: () => Promise<SignResult<Message>>,
): Promise<void> {
  const { clock, progress } = deps;
  const startedMs = clock.monotonicMs();
  const result = await sign();
  if (result.kind === 'refused') {
    progress.refused += 1;
    progress.lastRefusal = result;
    return;
  }
  progress.latency[type].add(clock.monotonicMs() - startedMs);
  progress.signed += 1;
}

async function tryDoubleSign(
  deps: DemoValidatorDeps,
  options: DemoValidatorOptions,
  height: bigint,
): Promise<void> {
  const { signer, clock, progress } = deps;
  progress.doubleSignAttempts += 1;
  const vote = newVote('precommit', height, randomBlockId(), clock);
  const result = await signer.signVote(options.chainId, vote, { signal: options.signal });
  if (result.kind === 'signed') throw new DoubleSignError(height);
  progress.doubleSignRefusals += 1;
}

function newVote(type: VoteType, height: bigint, blockId: BlockId, clock: Clock): Vote {
  return {
    type,
    height,
    round: 0,
    blockId,
    timestamp: timestampFromMs(clock.now()),
    validatorAddress: new Uint8Array(0),
    validatorIndex: 0,
    signature: new Uint8Array(0),
    extension: new Uint8Array(0),
    extensionSignature: new Uint8Array(0),
  };
}

function randomBlockId(): BlockId {
  const hash = new Uint8Array(randomBytes(32));
  return { hash, partSetHeader: { total: 1, hash: new Uint8Array(randomBytes(32)) } };
}

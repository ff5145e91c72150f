/**
 * The {@link PrivValidator} that holds the key itself: guard first, key second.
 *
 * @module
 */

import type { SigningKey } from '@privval/hsm/signing-key';
import {
  differOnlyInTimestamp,
  proposalSignBytes,
  timestampOfSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type {
  PrivValidator,
  PublicKeyOptions,
  Refusal,
  SignResult,
  SignVoteOptions,
} from '@privval/proto/privval/priv-validator';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Timestamp } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';
import type { Gate } from '../guard/gate.ts';
import { SignatureInvalidError } from '../guard/gate-errors.ts';
import type { Hrs } from '../guard/hrs.ts';
import type { KeyFault } from '../guard/signing-flights.ts';
import type { Keyring } from '../keyring/keyring.ts';
import { type AskedDecision, DecisionLog } from './decision-log.ts';
import type { DecisionObserver } from './decision-outcome.ts';
import {
  isExtensible,
  refuseInvalidPosition,
  refuseOtherChain,
  refuseUnexpectedExtension,
  refuseUnsignable,
  wrongChainText,
} from './refusals.ts';

const NO_BYTES = new Uint8Array(0);

/** The public key was asked for another chain than the validator's (S24). */
export class WrongChainError extends CodedError {
  override readonly name = 'WrongChainError';
  readonly code = 'ERR_WRONG_CHAIN';
}

/** What a {@link LocalPrivValidator} works with. It owns none of it. */
export interface LocalPrivValidatorDeps {
  /** The only way to a signature over a vote or proposal. */
  readonly gate: Pick<Gate, 'sign' | 'releaseRefusal'>;
  readonly keyring: Keyring;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Hears how each request ended. */
  readonly observer?: DecisionObserver | undefined;
  /** Told of a key whose signature over an extension did not verify; the gate tells of votes (S20, S29). */
  readonly onKeyFault?: ((fault: KeyFault) => void) | undefined;
}

/** Whom it signs for. */
export interface LocalPrivValidatorOptions {
  /** The validator's name in the store. */
  readonly validator: string;
  readonly chainId: ChainId;
  /** For whom: a node's address as the configuration has it, or `grpc`. @default unknown */
  readonly asker?: string | undefined;
}

/** What is put before the gate. */
interface Asked {
  readonly signBytes: Uint8Array;
  /** The time in `signBytes`. */
  readonly time: Timestamp;
  /** The known key whose address the message carries (S43). */
  readonly claimedKey?: Uint8Array | undefined;
  readonly extensionBytes?: Uint8Array | undefined;
}

/** A message the gate let through: what its signature covers decides the time in the answer. */
interface Signed {
  readonly kind: 'signed';
  readonly timestamp: Timestamp;
  readonly signature: Uint8Array;
  /** The vote extension's, where it came with the vote's. */
  readonly extensionSignature: Uint8Array | undefined;
  readonly key: SigningKey;
}

/**
 * Signs for one validator on one chain.
 *
 * Nothing else in the product builds bytes for a consensus key (S37). A vote or proposal reaches the
 * key through the gate only; a vote extension, which has no floor of its own, with exactly that
 * precommit and block through the gate, or after it has answered for them (S21). Each request
 * leaves one line in the log.
 */
export class LocalPrivValidator implements PrivValidator {
  readonly #deps: LocalPrivValidatorDeps;
  readonly #options: LocalPrivValidatorOptions;

  constructor(deps: LocalPrivValidatorDeps, options: LocalPrivValidatorOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** @throws {WrongChainError} ERR_WRONG_CHAIN */
  async publicKey(chainId: ChainId, options: PublicKeyOptions = {}): Promise<PublicKey> {
    options.signal?.throwIfAborted();
    if (chainId !== this.#options.chainId) {
      throw new WrongChainError(wrongChainText(chainId, this.#options.chainId));
    }
    return this.#deps.keyring.publicKeyFor(options.nextHeight);
  }

  /**
   * @throws what the key or the store throws; the position may then be reserved.
   * @throws {SignatureInvalidError} ERR_SIGNATURE_INVALID when vote or extension come back wrongly signed.
   */
  async signVote(
    chainId: ChainId,
    vote: Vote,
    options: SignVoteOptions = {},
  ): Promise<SignResult<Vote>> {
    const at: Hrs = { height: vote.height, round: vote.round, step: vote.type };
    const claimedKey = this.#deps.keyring.claimedKey(vote.validatorAddress);
    const isUnknown = claimedKey === undefined && vote.validatorAddress.length > 0;
    const log = this.#startLog(chainId, at, {
      unknownAddress: isUnknown ? vote.validatorAddress : undefined,
      isOwnAddress: claimedKey !== undefined,
    });
    return finished(log, options, async () => {
      const skipsExtension = options.skipExtensionSigning === true;
      const refusal =
        refuseOtherChain(chainId, this.#options.chainId) ??
        refuseInvalidPosition(at) ??
        (skipsExtension ? undefined : refuseUnexpectedExtension(vote));
      if (refusal !== undefined) return refusal;
      const bytes = orRefusal(() => voteSignBytes(chainId, vote));
      if (!(bytes instanceof Uint8Array)) return bytes;
      const extensionBytes =
        isExtensible(vote) && !skipsExtension ? voteExtensionSignBytes(chainId, vote) : undefined;
      const asked = { signBytes: bytes, time: vote.timestamp, claimedKey, extensionBytes };
      const signed = await this.#signAt(at, asked, log, options);
      if (signed.kind === 'refused') return signed;
      const { timestamp, signature } = signed;
      let extensionSignature = extensionBytes === undefined ? NO_BYTES : signed.extensionSignature;
      if (extensionBytes !== undefined && extensionSignature === undefined) {
        extensionSignature = await this.#signExtension(signed.key, extensionBytes, log, options);
        // It may have taken its time: a freeze since then keeps both signatures back (S21, S34).
        const late = this.#deps.gate.releaseRefusal(this.#options.validator, at);
        if (late !== undefined) return late;
      }
      return {
        kind: 'signed',
        message: {
          ...vote,
          timestamp,
          signature,
          extensionSignature: extensionSignature ?? NO_BYTES,
        },
      };
    });
  }

  /** @throws what the key or the store throws; the position may then be reserved. */
  async signProposal(
    chainId: ChainId,
    proposal: Proposal,
    options: AbortOptions = {},
  ): Promise<SignResult<Proposal>> {
    const at: Hrs = { height: proposal.height, round: proposal.round, step: 'propose' };
    const log = this.#startLog(chainId, at, {});
    return finished(log, options, async () => {
      const refusal =
        refuseOtherChain(chainId, this.#options.chainId) ??
        refuseInvalidPosition(at, proposal.polRound);
      if (refusal !== undefined) return refusal;
      const bytes = orRefusal(() => proposalSignBytes(chainId, proposal));
      if (!(bytes instanceof Uint8Array)) return bytes;
      const asked = { signBytes: bytes, time: proposal.timestamp };
      const signed = await this.#signAt(at, asked, log, options);
      if (signed.kind === 'refused') return signed;
      const { timestamp, signature } = signed;
      return { kind: 'signed', message: { ...proposal, timestamp, signature } };
    });
  }

  /** Through the gate. */
  async #signAt(
    at: Hrs,
    asked: Asked,
    log: DecisionLog,
    options: AbortOptions,
  ): Promise<Signed | Refusal> {
    const { gate, keyring } = this.#deps;
    const result = await gate.sign(
      {
        validator: this.#options.validator,
        at,
        signBytes: asked.signBytes,
        extensionBytes: asked.extensionBytes,
        claimedKey: asked.claimedKey,
        asker: this.#options.asker,
        key: keyring.keyFor(at.height),
        keyFor: (publicKey) => keyring.byPublicKey(publicKey),
      },
      options,
    );
    if (result.kind === 'refused') return result;
    log.addStages(result.timings);
    if (result.isRepeat) log.repeated();
    if (result.extension !== undefined) {
      log.addStages({ extensionMs: result.extension.waitedMs });
    }
    const { signature, signBytes } = result;
    const extensionSignature = result.extension?.signature;
    const key = keyring.byPublicKey(result.publicKey);
    if (key === undefined) throw new InvariantError('signed by a key that is not on the keyring');
    if (equalBytes(signBytes, asked.signBytes))
      return { kind: 'signed', timestamp: asked.time, signature, extensionSignature, key };
    // An answer for another message would be put over the asker's content: better no process at all.
    if (!differOnlyInTimestamp(signBytes, asked.signBytes)) {
      throw new InvariantError('the gate answered with the signature of another message');
    }
    const timestamp = timestampOfSignBytes(signBytes);
    return { kind: 'signed', timestamp, signature, extensionSignature, key };
  }

  /** Over the content asked now, each time anew: extensions are not deterministic, and nothing of them is stored. */
  async #signExtension(
    key: SigningKey,
    bytes: Uint8Array,
    log: DecisionLog,
    options: AbortOptions,
  ): Promise<Uint8Array> {
    const { clock } = this.#deps;
    options.signal?.throwIfAborted();
    const startMs = clock.monotonicMs();
    const signature =
      key.signNow === undefined
        ? await abortable(key.sign(bytes, options), options)
        : key.signNow(bytes);
    if (!verifyStrict(key.publicKey, bytes, signature)) throw this.#keyFault(key);
    log.addStages({ extensionMs: clock.monotonicMs() - startMs });
    return signature;
  }

  /** The signature is destroyed with its frame; what remains to do is to have the key taken out of service. */
  #keyFault({ publicKey }: SigningKey): SignatureInvalidError {
    const { validator } = this.#options;
    const error = new SignatureInvalidError(validator);
    this.#deps.onKeyFault?.({ validator, publicKey, error });
    return error;
  }

  #startLog(
    chainId: string,
    at: Hrs,
    address: Pick<AskedDecision, 'unknownAddress' | 'isOwnAddress'>,
  ): DecisionLog {
    const { validator, asker = 'unknown' } = this.#options;
    return new DecisionLog(this.#deps, { chainId, validator, asker, at, ...address });
  }
}

/** Sign bytes, or the refusal of a message that has none. */
function orRefusal(build: () => Uint8Array): Uint8Array | Refusal {
  try {
    return build();
  } catch (error) {
    return refuseUnsignable(error);
  }
}

/** Runs one request to its end and writes its line. */
async function finished<Message>(
  log: DecisionLog,
  options: AbortOptions,
  run: () => Promise<SignResult<Message>>,
): Promise<SignResult<Message>> {
  try {
    const result = await run();
    if (result.kind === 'signed') log.signed();
    else log.refused(result);
    return result;
  } catch (error) {
    log.failed(error, options.signal);
    throw error;
  }
}

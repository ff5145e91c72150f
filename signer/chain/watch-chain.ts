/** The chain witness at work (S36): each commit is judged, and what proves a second signer freezes. */
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { AuditLog } from '../audit/audit-log.ts';
import { STEP_NUMBER } from '../guard/hrs.ts';
import type { Floor } from '../guard/sign-state-store.ts';
import type { WitnessContext, WitnessVerdict } from './chain-witness.ts';
import { judgeCommit } from './judge-commit.ts';
import type { SignedHeaderFacts } from './node-rpc.ts';

/** Commits whose bytes the audit log could not tell of yet. */
const MAX_UNDECIDED = 1_024;

/** How many of them are judged again with each new one: a signature takes 50 µs to verify. */
const AGAIN_AT_ONCE = 16;

/** How often one is judged again, at the most. */
const MAX_ATTEMPTS = 64;

/** Collaborators of a {@link ChainWitness}. */
export interface ChainWitnessDeps {
  /** `ChainView.commits`, with a signal of its own. */
  readonly commits: (options: { readonly signal: AbortSignal }) => AsyncIterable<SignedHeaderFacts>;
  readonly floor: () => Floor;
  /** Every key of the validator. */
  readonly keys: () => readonly Uint8Array[];
  readonly audit: Pick<AuditLog, 'holdsPrecommit' | 'adoptedFloor'>;
  /** Freezes for good; durable and audited when it returns. Repeated, the first stays. */
  readonly freeze: (proof: WitnessProof) => void;
  readonly logger: Logger;
}

/** A signature that proves it. */
export type WitnessProof = Extract<WitnessVerdict, { readonly kind: 'proof' }>;

interface Undecided {
  readonly commit: SignedHeaderFacts;
  readonly attempts: number;
}

/**
 * Watches one validator's chain until disposed. It never stops signing but by a freeze: without
 * commits it waits.
 *
 * The audit log may not know all its entries yet when the first commits come: those are judged again.
 */
export class ChainWitness implements AsyncDisposable {
  readonly #deps: ChainWitnessDeps;
  readonly #options: { readonly validator: string; readonly chainId: string };
  readonly #shutdown = new AbortController();
  readonly #watching: Promise<void>;
  readonly #undecided: Undecided[] = [];
  #noted = 0n;

  private constructor(
    deps: ChainWitnessDeps,
    options: { readonly validator: string; readonly chainId: string },
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#watching = this.#watch(deps.commits({ signal: this.#shutdown.signal }));
  }

  /** Subscribes at once. */
  static start(
    deps: ChainWitnessDeps,
    options: { readonly validator: string; readonly chainId: string },
  ): ChainWitness {
    return new ChainWitness(deps, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#watching;
  }

  async #watch(commits: AsyncIterable<SignedHeaderFacts>): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      for await (const commit of commits) {
        this.#judge({ commit, attempts: 0 });
        for (const again of this.#undecided.splice(0, AGAIN_AT_ONCE)) this.#judge(again);
      }
    } catch (error) {
      if (!signal.aborted || error instanceof InvariantError) throw error;
    }
  }

  #judge({ commit, attempts }: Undecided): void {
    const { audit, floor, keys, logger } = this.#deps;
    const { validator, chainId } = this.#options;
    const adoptedFloor = audit.adoptedFloor(validator);
    let isUnknown = false;
    const { height, round, step } = floor();
    const context: WitnessContext = {
      chainId,
      keys: keys(),
      floor: { height, round, step: STEP_NUMBER[step] },
      adoptedFloor,
      holds: (at, signHash) => {
        const known = audit.holdsPrecommit(validator, at, signHash);
        if (known === 'unknown') isUnknown = true;
        return known;
      },
    };
    const verdict = judgeCommit(commit, context);
    if (verdict.kind === 'proof') this.#freeze(verdict);
    if (verdict.kind === 'far-below' && commit.height > this.#noted) {
      this.#noted = commit.height + verdict.distance;
      logger.info(
        { validator, floor: String(height), height: String(commit.height) },
        'the floor is far below the chain: after a long stop, a jail or for a new key that is as it should be',
      );
    }
    if (isUnknown && attempts < MAX_ATTEMPTS)
      this.#keep(ownPart(commit, context.keys), attempts + 1);
  }

  #keep(commit: SignedHeaderFacts, attempts: number): void {
    this.#undecided.push({ commit, attempts });
    if (this.#undecided.length > MAX_UNDECIDED) this.#undecided.shift();
  }

  /** A floor that cannot be written signs nothing either; the next commit tries again. */
  #freeze(proof: WitnessProof): void {
    const { freeze, logger } = this.#deps;
    const { validator } = this.#options;
    try {
      freeze(proof);
    } catch (error) {
      if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
      logger.error(
        { validator, code: error.code, height: String(proof.height) },
        'the chain shows a signature this signer did not make, and the freeze could not be stored',
      );
    }
  }
}

/** Why it froze, for an operator. */
export function reasonOfProof({ finding, height, round, publicKey }: WitnessProof): string {
  const key = hexFromBytes(addressFromPublicKey(ed25519PublicKey(publicKey))).toUpperCase();
  const what =
    finding === 'above-floor'
      ? 'above the floor'
      : 'of a message that the audit log holds no decision for';
  return (
    `the chain has a signature of key ${key} at height ${height} round ${round}, ${what}: ` +
    'another signer has this key, or the disk was restored from a backup'
  );
}

/** What of a commit is worth keeping. */
function ownPart(commit: SignedHeaderFacts, keys: readonly Uint8Array[]): SignedHeaderFacts {
  const addresses = keys.map((key) => addressFromPublicKey(ed25519PublicKey(key)));
  const signatures = commit.signatures.filter(({ address }) =>
    addresses.some((own) => equalBytes(own, address)),
  );
  return { ...commit, signatures };
}

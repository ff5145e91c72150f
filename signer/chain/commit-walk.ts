/** All commits of a chain in their order, from whichever source has them, and how our keys did in each. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { type AttendanceBook, attendanceIn } from './attendance-book.ts';
import type { ChainProgress } from './chain-progress.ts';
import { findCommit, findSet } from './commit-reader.ts';
import type { NodeRpc, SetMember, SignedHeaderFacts } from './node-rpc.ts';

/** How far back commits are looked at (S36). */
const MAX_COMMITS_BACK = 1_000n;

/** Between attempts to read a commit that nobody gives. */
const RETRY_MS = 500;

/** Under this name the progress of commits is kept: it is nobody's but the chain's. */
const CHAIN = 'chain';

/** A source, as far as commits go. */
export interface CommitSource {
  readonly rpc: NodeRpc;
  /** The newest height it has told of; 0 while there is none. */
  readonly tip: bigint;
}

/** Collaborators of {@link walkCommits}. */
export interface CommitWalkDeps {
  readonly clock: Clock;
  readonly progress: ChainProgress;
  readonly attendance: AttendanceBook;
  /** The one that is to be asked first comes first: its tip counts. */
  readonly sources: () => readonly CommitSource[];
  /** Looked at whenever a source has told something, come or gone. */
  readonly until: (isSo: () => boolean, options: AbortOptions) => Promise<void>;
  readonly floorHeight: () => bigint;
  readonly keys: () => readonly Uint8Array[];
  /** Calls `onHandled` once whoever gets the commit is done with it. */
  readonly deliver: (
    commit: SignedHeaderFacts,
    options: AbortOptions,
    onHandled: () => void,
  ) => Promise<void>;
}

/**
 * Walks until it is aborted. Each height comes twice: as it is at the tip, where a signature shows
 * first, and when it is final.
 */
export async function walkCommits(deps: CommitWalkDeps, options: AbortOptions): Promise<never> {
  const walk = new CommitWalk(deps);
  await deps.until(() => walk.tip > 0n, options);
  for (let height = walk.first(); ; height++) {
    await deps.until(() => walk.tip >= height, options);
    if (height === walk.tip) await walk.read(height, false, options);
    for (;;) {
      await deps.until(() => walk.tip > height, options);
      if (await walk.read(height, true, options)) break;
      await deps.clock.sleep(RETRY_MS, options);
    }
  }
}

class CommitWalk {
  readonly #deps: CommitWalkDeps;
  /** The set read last: the next one is most often the same. */
  #set: { readonly hash: Uint8Array; readonly members: readonly SetMember[] } | undefined;

  constructor(deps: CommitWalkDeps) {
    this.#deps = deps;
  }

  get tip(): bigint {
    return this.#deps.sources()[0]?.tip ?? 0n;
  }

  /**
   * At most 1,000 heights below the tip. In there: from 1,000 heights below the floor on, for another
   * signer may have been at work below it too; or from where the last process stopped, should it have
   * left any, but no later than the floor.
   */
  first(): bigint {
    const { tip } = this;
    const floor = this.#deps.floorHeight();
    const checked = this.#deps.progress.of(CHAIN).commitsChecked;
    const wanted = checked === 0n ? floor - MAX_COMMITS_BACK : least(checked + 1n, floor);
    return least(tip, greatest(wanted, tip - MAX_COMMITS_BACK + 1n, 1n));
  }

  /** @returns false when nobody has it now: it is tried again. A commit that nobody keeps is passed over. */
  async read(height: bigint, isFinal: boolean, options: AbortOptions): Promise<boolean> {
    const found = await findCommit(this.#rpcs(), { height, isFinal }, options);
    if (found.kind === 'silent') return false;
    if (found.kind === 'missing') return isFinal && (await this.#isPruned(height, options));
    await this.#noteAttendance(found.commit, options);
    const { tip } = this;
    await this.#deps.deliver(found.commit, options, () => {
      if (isFinal) this.#deps.progress.note(CHAIN, { commitsChecked: height, tip });
    });
    return true;
  }

  /** By the word of everybody who answers, and of one at least. */
  async #isPruned(height: bigint, options: AbortOptions): Promise<boolean> {
    const told = await Promise.allSettled(this.#rpcs().map((rpc) => rpc.status(options)));
    options.signal?.throwIfAborted();
    const answers = told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return answers.length > 0 && answers.every(({ earliestHeight }) => earliestHeight > height);
  }

  async #noteAttendance(commit: SignedHeaderFacts, options: AbortOptions): Promise<void> {
    const { attendance } = this.#deps;
    const keys = this.#deps.keys();
    const noted = attendanceIn(commit, keys, undefined);
    if (noted.state !== 'unknown') {
      attendance.note(noted);
      return;
    }
    if (this.#set === undefined || !equalBytes(this.#set.hash, commit.validatorsHash)) {
      const members = await findSet(this.#rpcs(), commit, options);
      this.#set = members && { hash: commit.validatorsHash, members };
    }
    attendance.note(attendanceIn(commit, keys, this.#set && memberOf(this.#set.members, keys)));
  }

  #rpcs(): readonly NodeRpc[] {
    return this.#deps.sources().map(({ rpc }) => rpc);
  }
}

/** The first of our keys that is in a set. */
function memberOf(members: readonly SetMember[], keys: readonly Uint8Array[]): Uint8Array | 'none' {
  const has = (key: Uint8Array): boolean =>
    members.some(({ publicKey }) => publicKey !== undefined && equalBytes(publicKey, key));
  return keys.find(has) ?? 'none';
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greatest(...numbers: readonly [bigint, ...bigint[]]): bigint {
  return numbers.reduce((a, b) => (a > b ? a : b));
}

/** What one validator's chain tells of its rotations: blocks, updates, commits, parameters (S40, S46). */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainEvent, ChainView } from '../chain/chain-view.ts';
import type { NodeRpc, PowerUpdate } from '../chain/node-rpc.ts';
import { ChainQuestions } from './chain-questions.ts';
import { summarizePowers } from './power-facts.ts';
import type { Rotation } from './rotation.ts';
import type { RotationDriver } from './rotation-driver.ts';
import type { RotationStore } from './rotation-store.ts';
import type { RotationEvent } from './step-rotation.ts';

/** The evidence window is taken longer by a tenth: parameters change, and so do block times. */
const WINDOW_MARGIN_PERCENT = 110n;

/** Collaborators of {@link ChainFacts}. */
export interface ChainFactsDeps {
  readonly driver: Pick<RotationDriver, 'tellSurely'>;
  readonly rotations: Pick<RotationStore, 'living' | 'knownKeysOf'>;
  readonly view: ChainView;
  readonly logger: Logger;
}

/**
 * Follows one chain view until disposed: one loop, which reads its events, and at most one question
 * beside it. Nothing that a chain tells
 * ends it; a bug does, and with it the process.
 */
export class ChainFacts implements AsyncDisposable {
  readonly #deps: ChainFactsDeps;
  readonly #shutdown = new AbortController();
  readonly #reading: Promise<void>;
  readonly #chain: ChainQuestions;
  /** While a question is under way, with what follows from its answer. */
  #looking: Promise<void> | undefined;
  #wasSetLookedAt = false;

  private constructor(deps: ChainFactsDeps) {
    this.#deps = deps;
    this.#chain = new ChainQuestions(deps);
    // Subscribed in this turn: what was told before is told to nobody.
    const events = deps.view.events({ signal: this.#shutdown.signal });
    this.#reading = this.#read(events);
  }

  static start(deps: ChainFactsDeps): ChainFacts {
    return new ChainFacts(deps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.allSettled([this.#reading, this.#looking]);
  }

  async #read(events: AsyncIterable<ChainEvent>): Promise<void> {
    try {
      for await (const event of events) await this.#hear(event);
    } catch (error) {
      if (!this.#shutdown.signal.aborted || error instanceof InvariantError) throw error;
    }
  }

  async #hear(event: ChainEvent): Promise<void> {
    const { view, rotations } = this.#deps;
    if (rotations.living(view.validator).length === 0) return;
    switch (event.kind) {
      case 'block':
        return this.#heardBlock(event.header.height);
      case 'updates':
        return this.#heardUpdates(event.height, event.updates, false);
      case 'settled':
        await this.#tell(() => ({ kind: 'contradiction-settled', height: event.height }));
        return this.#heardUpdates(event.height, event.updates, true);
      case 'contradiction':
        return this.#tell(() => ({
          kind: 'sources-contradict',
          contradiction: event.contradiction,
        }));
    }
  }

  async #heardUpdates(
    height: bigint,
    updates: readonly PowerUpdate[],
    isSettled: boolean,
  ): Promise<void> {
    const hasStranger = await this.#hasStranger(height, updates);
    await this.#tell((rotation) => {
      const newKeyPower = powerOf(updates, rotation.newKey);
      const oldKeyPower = powerOf(updates, rotation.oldKey);
      const event: RotationEvent = {
        kind: 'powers-changed',
        height,
        newKeyPower,
        oldKeyPower,
        hasStranger,
      };
      // On a settled block silence says something too: what was told of it before counts no more.
      return isSettled || changesAnything(rotation, event) ? event : undefined;
    });
  }

  /**
   * Whether a key that is none of ours and was not in the set got power in a block that took the
   * power of one of ours. Asked only then; a chain that cannot be asked has no stranger.
   */
  async #hasStranger(height: bigint, updates: readonly PowerUpdate[]): Promise<boolean> {
    const { view, rotations } = this.#deps;
    const ours = rotations.knownKeysOf(view.validator);
    const isOurs = ({ publicKey }: PowerUpdate): boolean =>
      ours.some((key) => equalBytes(key, publicKey));
    const others = updates.filter((update) => update.power > 0n && !isOurs(update));
    const isRemoval = updates.some((update) => update.power === 0n && isOurs(update));
    const isAddition = updates.some((update) => update.power > 0n && isOurs(update));
    if (!isRemoval || isAddition || others.length === 0) return false;
    const set = await this.#asked((rpc, signal) => rpc.validators(height, { signal }));
    if (set === undefined) return false;
    const members = set.flatMap(({ publicKey }) => publicKey ?? []);
    return others.some(({ publicKey }) => !members.some((key) => equalBytes(key, publicKey)));
  }

  /** What has to be asked for is asked beside the loop: an RPC that is slow must not hold up the next block's updates. */
  async #heardBlock(height: bigint): Promise<void> {
    await this.#lookAtCommits();
    this.#looking ??= this.#look(height).finally(() => {
      this.#looking = undefined;
    });
  }

  /** Rejects with a bug only, which nobody catches: it ends the process. */
  async #look(height: bigint): Promise<void> {
    try {
      if (!this.#wasSetLookedAt) await this.#lookAtSet(height + 1n);
      await this.#lookAtWindow();
    } catch (error) {
      if (!this.#shutdown.signal.aborted || error instanceof InvariantError) throw error;
    }
  }

  /** What blocks did while nobody looked: a set shows it still. */
  async #lookAtSet(height: bigint): Promise<void> {
    const set = await this.#asked((rpc, signal) => rpc.validators(height, { signal }));
    if (set === undefined) return;
    this.#wasSetLookedAt = true;
    const has = (key: Uint8Array): boolean =>
      set.some(
        ({ publicKey, power }) =>
          publicKey !== undefined && power > 0n && equalBytes(publicKey, key),
      );
    await this.#tell(({ newKey, oldKey, activationHeight }) =>
      activationHeight === undefined && has(newKey)
        ? { kind: 'set-seen', height, hasNewKey: true, hasOldKey: has(oldKey) }
        : undefined,
    );
  }

  async #lookAtCommits(): Promise<void> {
    const { view, rotations } = this.#deps;
    for (const { id, activationHeight: from, state } of rotations.living(view.validator)) {
      if (from === undefined || state === 'aborted') continue;
      for (const { height, state: was, publicKey, isFinal } of view.attendance(from - 1n)) {
        await this.#tell((rotation) => {
          if (rotation.id !== id) return undefined;
          if (was === 'absent' && isFinal && height <= from + 1n) {
            return { kind: 'block-missed', height };
          }
          const isNewKeys = publicKey !== undefined && equalBytes(publicKey, rotation.newKey);
          const isSeen = (was === 'signed' || was === 'nil') && isNewKeys && height >= from;
          return isSeen && rotation.state === 'switched'
            ? { kind: 'new-key-seen', height }
            : undefined;
        });
      }
    }
  }

  async #lookAtWindow(): Promise<void> {
    const { view, rotations } = this.#deps;
    for (const { id, activationHeight: from, state, retiresAfter } of rotations.living(
      view.validator,
    )) {
      const isWanted = state === 'switched' || state === 'verified';
      const timeMs = view.tipTimeMs();
      if (!isWanted || from === undefined || retiresAfter !== undefined || timeMs === undefined) {
        continue;
      }
      const window = await this.#asked((rpc, signal) => rpc.evidenceParams(from, { signal }));
      if (window === undefined) continue;
      const blocks = (window.maxAgeBlocks * WINDOW_MARGIN_PERCENT) / 100n;
      const untilTimeMs = timeMs + (window.maxAgeMs * Number(WINDOW_MARGIN_PERCENT)) / 100;
      await this.#tell((rotation) =>
        rotation.id === id
          ? { kind: 'evidence-window-known', untilHeight: from + blocks, untilTimeMs }
          : undefined,
      );
    }
  }

  #tell(eventOf: (rotation: Rotation) => RotationEvent | undefined): Promise<void> {
    const { driver, view } = this.#deps;
    return driver.tellSurely(view.validator, eventOf, { signal: this.#shutdown.signal });
  }

  #asked<T>(question: (rpc: NodeRpc, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#shutdown;
    return this.#chain.ask((rpc) => question(rpc, signal), { signal });
  }
}

function powerOf(updates: readonly PowerUpdate[], key: Uint8Array): bigint | undefined {
  return updates.find(({ publicKey }) => equalBytes(publicKey, key))?.power;
}

/**
 * Blocks are told in their order: one that leaves both keys where they were (a delegation) is no
 * fact worth a row, and there may be one in each block.
 */
function changesAnything(
  { powers, state }: Rotation,
  {
    height,
    newKeyPower,
    oldKeyPower,
    hasStranger,
  }: Extract<RotationEvent, { kind: 'powers-changed' }>,
): boolean {
  if (newKeyPower === undefined && oldKeyPower === undefined) return false;
  const isAfterAll = powers.every((fact) => fact.height < height);
  if (!isAfterAll || hasStranger) return true;
  if (state === 'verified' || state === 'retiring' || state === 'switched') return true;
  const { newKeyIn, oldKeyOut, switchedBy } = summarizePowers(powers);
  if (switchedBy !== undefined) return true;
  const changesNewKey = newKeyPower !== undefined && newKeyPower > 0n !== (newKeyIn !== undefined);
  const changesOldKey = oldKeyPower !== undefined && oldKeyPower > 0n === (oldKeyOut !== undefined);
  return changesNewKey || changesOldKey;
}

/** Rotations of a running signer: what the chain, the floor and operators tell becomes steps, rows, effects. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainView } from '../chain/chain-view.ts';
import type { JournalDraft } from '../guard/home-transaction.ts';
import { SignStateUnavailableError } from '../guard/sign-state-errors.ts';
import type { DecisionOutcome } from '../priv-validator/decision-outcome.ts';
import type { Rotation } from './rotation.ts';
import { RotationRefusedError } from './rotation-errors.ts';
import { stepRotation } from './rotation-rules.ts';
import type { RotationStore } from './rotation-store.ts';
import type { RotationEffect, RotationEvent } from './step-rotation.ts';

/** Between attempts to make a fact of the chain durable; the floor's store is proven as often. */
const RETRY_MS = 500;

/** Collaborators of a {@link RotationDriver}. */
export interface RotationDriverDeps {
  readonly rotations: RotationStore;
  readonly floorHeight: (validator: string) => bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether this key could sign now; an armed rotation whose new key cannot is an alarm. */
  readonly isInService: (validator: string, publicKey: Uint8Array) => boolean;
}

/**
 * Takes every step of every rotation, one after the other: the step, the row with its entry in the
 * audit log, then the effects. What it is told may come twice and late (S46).
 *
 * It has no loop of its own: `chain-facts.ts` tells what a chain does, the desk what operators want.
 */
export class RotationDriver {
  readonly #deps: RotationDriverDeps;
  readonly #chains = new Map<string, ChainView>();
  readonly #listeners = new Set<(validator: string) => void>();

  constructor(deps: RotationDriverDeps) {
    this.#deps = deps;
  }

  /** Where the validator's tip is from. */
  setChain(validator: string, view: ChainView): void {
    this.#chains.set(validator, view);
  }

  chain(validator: string): ChainView | undefined {
    return this.#chains.get(validator);
  }

  /**
   * One step of one rotation; durable when it returns.
   *
   * @param by who tells: an operator's name, or `chain`
   * @returns the rotation as it is from here on, and what follows for the caller to do.
   * @throws {RotationRefusedError} with the code of the rule
   * @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE: nothing has changed.
   */
  tell(
    { validator, id }: Pick<Rotation, 'validator' | 'id'>,
    event: RotationEvent,
    by: string,
  ): { readonly rotation: Rotation; readonly effects: readonly RotationEffect[] } {
    const { rotations, floorHeight, clock } = this.#deps;
    const rotation = rotations.rotations(validator).find((one) => one.id === id);
    if (rotation === undefined) throw new InvariantError(`there is no rotation ${id}`);
    const step = stepRotation(rotation, event, {
      floorHeight: floorHeight(validator),
      tip: this.#chains.get(validator)?.tip(),
      lastActivation: rotations.lastActivation(rotation),
      nowMs: clock.now(),
    });
    if (step.kind === 'refused') throw new RotationRefusedError(step);
    if (step.rotation !== rotation) {
      rotations.save(step.rotation, entryOf(rotation, step.rotation, event, by));
      this.#changed(rotation, step.rotation);
    }
    this.#act(step.rotation, step.effects);
    return step;
  }

  /** The same fact for every rotation of a validator that something may still happen to, the newest first. */
  tellAll(validator: string, eventOf: (rotation: Rotation) => RotationEvent | undefined): void {
    const { rotations } = this.#deps;
    for (const { id } of rotations.living(validator).toReversed()) {
      this.#rebase(validator, id);
      const rotation = rotations.rotations(validator).find((one) => one.id === id);
      const event = rotation && eventOf(rotation);
      if (rotation !== undefined && event !== undefined) this.tell(rotation, event, 'chain');
    }
  }

  /** {@link tellAll} for a fact that is told once only: until it is durable, or the wait is over. */
  async tellSurely(
    validator: string,
    eventOf: (rotation: Rotation) => RotationEvent | undefined,
    options: AbortOptions = {},
  ): Promise<void> {
    for (;;) {
      try {
        this.tellAll(validator, eventOf);
        return;
      } catch (error) {
        if (!(error instanceof SignStateUnavailableError)) throw error;
      }
      await this.#deps.clock.sleep(RETRY_MS, options);
    }
  }

  /** The end of a request to sign: the floor may be at A now, and the new key at work. Never throws. */
  decided({ validator, at, outcome, isOwnAddress }: DecisionOutcome): void {
    if (outcome !== 'signed') return;
    const living = this.#deps.rotations
      .living(validator)
      .filter(({ state }) => state === 'armed' || state === 'switched');
    if (living.length === 0) return;
    try {
      for (const rotation of living) this.#decidedFor(rotation, at.height, isOwnAddress === true);
    } catch (error) {
      // The next request tells the same.
      if (!(error instanceof SignStateUnavailableError)) throw error;
    }
  }

  /** Told of each change of a rotation. @returns what ends it. */
  onChange(listener: (validator: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #decidedFor(rotation: Rotation, height: bigint, isOwnAddress: boolean): void {
    const { activationHeight: from } = rotation;
    if (from === undefined || height < from) return;
    if (rotation.state === 'armed') this.tell(rotation, { kind: 'floor-moved', height }, 'floor');
    // A node asks for a vote by a key that is in its set. A chain that can be seen shows it better.
    if (!isOwnAddress || this.#chains.has(rotation.validator)) return;
    if (rotation.seenAt.includes(height)) return;
    this.tell(rotation, { kind: 'new-key-seen', height }, 'node');
  }

  /** What a rotation replaces is the key that signs now, whatever was armed since it began (S45). */
  #rebase(validator: string, id: bigint): void {
    const { rotations } = this.#deps;
    const rotation = rotations.rotations(validator).find((one) => one.id === id);
    const newest = rotations.scheduleOf(validator).at(-1);
    if (rotation === undefined || newest === undefined) return;
    if (rotation.activationHeight !== undefined) return;
    if (equalBytes(rotation.oldKey, newest.publicKey)) return;
    this.tell(rotation, { kind: 'old-key-replaced', oldKey: newest.publicKey }, 'chain');
  }

  #changed(before: Rotation, after: Rotation): void {
    const { validator, state, activationHeight } = after;
    if (before.state !== state || before.activationHeight !== activationHeight) {
      this.#deps.logger.info(
        {
          validator,
          rotation: String(after.id),
          from: before.state,
          to: state,
          activationHeight: String(activationHeight ?? ''),
        },
        'rotation',
      );
    }
    for (const hear of [...this.#listeners]) hear(validator);
  }

  #act({ validator, newKey }: Rotation, effects: readonly RotationEffect[]): void {
    const { logger, isInService } = this.#deps;
    for (const effect of effects) {
      if (effect.kind === 'alarm') {
        logger.error({ validator, code: effect.code }, effect.text);
      } else if (effect.kind === 'note') logger.info({ validator }, effect.text);
      else if (effect.kind === 'schedule-changed' && !isInService(validator, newKey)) {
        logger.error(
          { validator, code: 'ERR_KEY_NOT_IN_SERVICE' },
          'the new key is not in service: put its device in order before the switch',
        );
      }
    }
  }
}

function entryOf(
  before: Rotation,
  after: Rotation,
  event: RotationEvent,
  by: string,
): JournalDraft {
  return rotationEntry(after, { from: before.state, event: event.kind, by });
}

/** What the audit log says of a change. */
export function rotationEntry(
  {
    id,
    validator,
    state,
    activationHeight,
    newKey,
  }: Pick<Rotation, 'id' | 'validator' | 'state' | 'activationHeight' | 'newKey'>,
  { from, event, by }: { readonly from: string; readonly event: string; readonly by: string },
): JournalDraft {
  const body = {
    rotation: String(id),
    from,
    to: state,
    event,
    by,
    activationHeight: activationHeight === undefined ? null : String(activationHeight),
    newKey: hexFromBytes(newKey),
  };
  return { kind: 'rotation', validator, body: JSON.stringify(body) };
}

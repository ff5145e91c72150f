/** Freezing, unfreezing, ceilings and hand-overs, by whoever operates the signer. */
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { AuditBodies } from '../audit/audit-entry.ts';
import type { JournalDraft } from '../guard/home-transaction.ts';
import type { SignStateStore } from '../guard/sign-state-store.ts';
import type { Freezable, FreezeCause, ValidatorControl } from '../guard/validator-control.ts';
import { exportState } from '../home/home-state.ts';
import type { Act } from '../http/access.ts';
import type { ControlDesk } from '../operations.ts';
import { FloorTooLowError } from './control-errors.ts';
import type { ValidatorControls } from './validator-controls.ts';

/** Longest reason that is kept, in characters. */
const MAX_REASON_LENGTH = 500;

/** Collaborators of a {@link StoredControlDesk}. */
export interface ControlDeskDeps {
  readonly controls: ValidatorControls;
  readonly store: SignStateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What waits until nothing signed before can leave. @default nothing signs: an offline command */
  readonly freezable?: Freezable | undefined;
}

/** What the chain witness has found (S36). */
export interface WitnessFreeze {
  readonly reason: string;
  readonly raiseFloorTo: bigint;
  /** What it has seen, for the audit log. */
  readonly seen?: AuditBodies['witness'] | undefined;
}

/** The desk over the stored controls. Its acts are durable, audited and logged. */
export class StoredControlDesk implements ControlDesk {
  readonly #deps: ControlDeskDeps;

  constructor(deps: ControlDeskDeps) {
    this.#deps = deps;
  }

  control(validator: string): ValidatorControl {
    this.#deps.store.validator(validator);
    return this.#deps.controls.of(validator);
  }

  async freeze(
    validator: string,
    reason: string,
    act: Act,
    options: AbortOptions = {},
  ): Promise<ValidatorControl> {
    if (this.control(validator).freeze === undefined) {
      this.#freeze(validator, { cause: 'operator', reason, by: act.by });
    }
    await this.#drained(validator, options);
    return this.control(validator);
  }

  /**
   * What the chain showed stands over a freeze by an operator: it says how high the floor has to be
   * before there is an end. Nobody waits: what is in the making is kept back all the same.
   */
  freezeByWitness(validator: string, { reason, raiseFloorTo, seen }: WitnessFreeze): void {
    const before = this.control(validator).freeze;
    if (before?.raiseFloorTo !== undefined && before.raiseFloorTo >= raiseFloorTo) return;
    const freeze = { cause: 'chain-witness', reason, by: 'chain', raiseFloorTo } as const;
    this.#freeze(validator, freeze, seen && [draft('witness', validator, seen)]);
  }

  /** @throws {FloorTooLowError} ERR_FLOOR_TOO_LOW (S36) */
  unfreeze(validator: string, act: Act): ValidatorControl {
    const before = this.control(validator);
    if (before.freeze === undefined) return before;
    this.#assertFloorHighEnough(validator);
    const { freeze: ended, ...after } = before;
    const { cause } = ended;
    const entry = { isFrozen: false, cause, by: act.by, approvedBy: act.approvedBy, reason: '' };
    this.#deps.controls.set(validator, after, draft('freeze', validator, entry));
    this.#deps.logger.warn({ validator, cause, by: act.by }, 'unfrozen: it signs again');
    return after;
  }

  setHeightCeiling(validator: string, height: bigint | undefined, act: Act): ValidatorControl {
    const { heightCeiling: before, ...rest } = this.control(validator);
    if (before === height) return this.control(validator);
    const after = { ...rest, ...(height === undefined ? {} : { heightCeiling: height }) };
    const entry = {
      act: act.name,
      by: act.by,
      approvedBy: act.approvedBy,
      outcome: 'done',
      details: { before: textOf(before), after: textOf(height) },
    };
    this.#deps.controls.set(validator, after, draft('act', validator, entry));
    this.#deps.logger.warn({ validator, height: textOf(height), by: act.by }, 'height ceiling set');
    return after;
  }

  /**
   * Frozen first, for good; the floor that is exported then moves no more, but for the signature of
   * its own message. Repeated, it gives the same floor again.
   *
   * @throws {FloorTooLowError} ERR_FLOOR_TOO_LOW: a floor the chain has passed is not handed over.
   */
  async handOver(validator: string, act: Act, options: AbortOptions = {}): Promise<Uint8Array> {
    const { freeze } = this.control(validator);
    this.#assertFloorHighEnough(validator);
    if (freeze?.cause !== 'hand-over') {
      const reason = 'its floor was handed over: another signer signs from here on';
      this.#freeze(validator, { cause: 'hand-over', reason, by: act.by });
    }
    await this.#drained(validator, options);
    return exportState(this.#deps.store, { validator, isStale: false });
  }

  #freeze(
    validator: string,
    freeze: {
      readonly cause: FreezeCause;
      readonly reason: string;
      readonly by: string;
      readonly raiseFloorTo?: bigint;
    },
    also: readonly JournalDraft[] = [],
  ): void {
    const { controls, clock, logger } = this.#deps;
    const { cause, by, raiseFloorTo } = freeze;
    const reason = freeze.reason.slice(0, MAX_REASON_LENGTH);
    const entry = { isFrozen: true, cause, by, reason, raiseFloorTo: textOf(raiseFloorTo) };
    controls.set(
      validator,
      { ...this.control(validator), freeze: { ...freeze, reason, atMs: clock.now() } },
      draft('freeze', validator, entry),
      ...also,
    );
    logger.error({ validator, alarm: true, cause, by, reason }, 'frozen: it signs nothing');
  }

  async #drained(validator: string, options: AbortOptions): Promise<void> {
    const { freezable } = this.#deps;
    if (freezable !== undefined) await abortable(freezable.drained(validator), options);
  }

  #assertFloorHighEnough(validator: string): void {
    const wanted = this.#deps.controls.of(validator).freeze?.raiseFloorTo;
    const { height } = this.#deps.store.floor(validator);
    if (wanted !== undefined && height < wanted) {
      throw new FloorTooLowError(validator, height, wanted);
    }
  }
}

function textOf(height: bigint | undefined): string {
  return height === undefined ? 'none' : String(height);
}

function draft(kind: 'freeze' | 'act' | 'witness', validator: string, body: object): JournalDraft {
  return { kind, validator, body: JSON.stringify(body) };
}

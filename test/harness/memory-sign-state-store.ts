/** The floor in memory: for tests whose subject is not the disk. */
import type { Refusal } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { assertStorable } from '@privval/signer/guard/assert-storable';
import { decideBatch } from '@privval/signer/guard/decide-batch';
import type { Hrs } from '@privval/signer/guard/hrs';
import { mergeFloors } from '@privval/signer/guard/merge-floors';
import { RaisedFloors } from '@privval/signer/guard/raised-floors';
import { refuseFrozen } from '@privval/signer/guard/refuse-by-control';
import {
  DuplicateValidatorError,
  SignStateUnavailableError,
  UnknownValidatorError,
} from '@privval/signer/guard/sign-state-errors';
import type {
  Decision,
  Floor,
  Reservation,
  SignStateStore,
  ValidatorRecord,
} from '@privval/signer/guard/sign-state-store';
import type { SqliteSignStateStoreDeps } from '@privval/signer/guard/sqlite-sign-state-store';

/** What stands beside the floors, as in the SQLite store. */
export type MemorySignStateStoreOptions = Pick<
  SqliteSignStateStoreDeps,
  'tipOf' | 'keyAt' | 'controlOf'
>;

/** A {@link SignStateStore} that decides as every store does, and can be told to fail. */
export class MemorySignStateStore implements SignStateStore {
  readonly #rows = new Map<string, { readonly record: ValidatorRecord; readonly floor: Floor }>();
  readonly #raises = new RaisedFloors();
  readonly #options: MemorySignStateStoreOptions;
  #failure: unknown;
  #syncFailure: unknown;
  /** How many transactions, and with how many reservations each. */
  readonly batchSizes: number[] = [];

  constructor(options: MemorySignStateStoreOptions = {}) {
    this.#options = options;
  }

  /** From here on nothing can be made durable, until told `undefined`. */
  failWith(failure: unknown): void {
    this.#failure = failure;
  }

  /** From here on decisions are made and then fail to become durable, until told `undefined`. */
  failSyncWith(failure: unknown): void {
    this.#syncFailure = failure;
  }

  reserve(
    reservations: readonly Reservation[],
    onDecided?: (decisions: readonly Decision[]) => void,
  ): readonly Decision[] {
    this.#assertDurable();
    this.batchSizes.push(reservations.length);
    const { decisions, moved } = decideBatch(reservations, (validator) => {
      const { floor, record } = this.#row(validator);
      const { tipOf, keyAt, controlOf } = this.#options;
      return {
        floor,
        publicKey: record.publicKey,
        keyAt: keyAt && ((height) => keyAt(validator, height)),
        control: controlOf?.(validator),
        tip: tipOf?.(validator),
      };
    });
    if (moved.size > 0) {
      onDecided?.(decisions);
      if (this.#syncFailure !== undefined) {
        throw new SignStateUnavailableError({ cause: this.#syncFailure });
      }
    }
    for (const [validator, floor] of moved) this.#set(validator, floor);
    return decisions;
  }

  recordSignature(validator: string, signBytes: Uint8Array, signature: Uint8Array): boolean {
    const { floor } = this.#row(validator);
    if (floor.signBytes === undefined || !equalBytes(floor.signBytes, signBytes)) return false;
    this.#set(validator, { ...floor, signature: signature.slice() });
    return true;
  }

  validators(): readonly ValidatorRecord[] {
    return [...this.#rows.values()].map(({ record }) => record);
  }

  validator(name: string): ValidatorRecord {
    return this.#row(name).record;
  }

  floor(validator: string): Floor {
    return structuredClone(this.#row(validator).floor);
  }

  addValidator(record: ValidatorRecord, floor: Floor): void {
    assertStorable(floor, record);
    this.#assertDurable();
    for (const { record: other } of this.#rows.values()) {
      if (other.name === record.name) throw new DuplicateValidatorError(other.name, 'name');
      if (other.chainId === record.chainId && equalBytes(other.publicKey, record.publicKey)) {
        throw new DuplicateValidatorError(other.name, 'key');
      }
    }
    this.#rows.set(record.name, structuredClone({ record, floor }));
  }

  raiseFloor(validator: string, floor: Floor): Floor {
    assertStorable(floor);
    this.#assertDurable();
    const current = this.#row(validator).floor;
    this.#raises.note(validator, current, floor);
    this.#set(validator, structuredClone(mergeFloors(current, floor)));
    return this.floor(validator);
  }

  releaseRefusal(validator: string, at: Hrs): Refusal | undefined {
    const { freeze } = this.#options.controlOf?.(validator) ?? {};
    return freeze === undefined
      ? this.#raises.refusalOf(validator, at)
      : refuseFrozen(validator, freeze);
  }

  maintain(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= 'the store was closed';
  }

  #assertDurable(): void {
    if (this.#failure !== undefined) throw new SignStateUnavailableError({ cause: this.#failure });
  }

  #row(validator: string): { readonly record: ValidatorRecord; readonly floor: Floor } {
    const row = this.#rows.get(validator);
    if (row === undefined) throw new UnknownValidatorError(validator);
    return row;
  }

  #set(validator: string, floor: Floor): void {
    this.#rows.set(validator, { ...this.#row(validator), floor });
  }
}

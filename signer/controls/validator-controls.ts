/** Freezes and height ceilings as they are on the disk: read by the store before each decision. */
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { HomeTables, JournalDraft, SqlRow, TableWrite } from '../guard/home-transaction.ts';
import type { Freeze, FreezeCause, ValidatorControl } from '../guard/validator-control.ts';
import { ControlDamagedError } from './control-errors.ts';

/** More validators than a home has. */
const PAGE = 1_000;

const NO_CONTROL: ValidatorControl = {};

const CAUSES: readonly FreezeCause[] = ['operator', 'hand-over', 'chain-witness'];

/**
 * The controls of every validator of a home, in memory and in the table `controls`.
 *
 * Memory follows the disk (S9): {@link set} changes it after its transaction is durable, and after a
 * store was reopened everything is read anew. The store asks {@link of} in its transaction, so it is
 * made before the store and given it by {@link load}.
 */
export class ValidatorControls {
  #tables: HomeTables | undefined;
  #epoch = -1;
  #controls: ReadonlyMap<string, ValidatorControl> = new Map();

  /**
   * Reads the table. To be called once, before anything is decided.
   *
   * @throws {ControlDamagedError} ERR_CONTROL_DAMAGED: a freeze that cannot be read is not ignored.
   */
  load(tables: HomeTables): void {
    this.#tables = tables;
    this.#read(tables);
  }

  /** What stands between this validator and its floor now. */
  of(validator: string): ValidatorControl {
    const tables = this.#loaded();
    if (tables.epoch !== this.#epoch) this.#read(tables);
    return this.#controls.get(validator) ?? NO_CONTROL;
  }

  /**
   * Replaces a validator's control; durable, with its audit entries, when it returns.
   *
   * @throws {SignStateUnavailableError} ERR_SIGN_STATE_UNAVAILABLE: nothing has changed.
   */
  set(
    validator: string,
    control: ValidatorControl,
    ...entries: readonly [JournalDraft, ...JournalDraft[]]
  ): void {
    const tables = this.#loaded();
    tables.commit({ writes: [writeOf(validator, control)], entries });
    if (tables.epoch !== this.#epoch) this.#read(tables);
    else this.#controls = new Map(this.#controls).set(validator, control);
  }

  #loaded(): HomeTables {
    if (this.#tables === undefined)
      throw new InvariantError('controls were asked before they were read');
    return this.#tables;
  }

  #read(tables: HomeTables): void {
    const rows = tables.read(
      `SELECT validators.name AS name, controls.freeze AS freeze, controls.height_ceiling AS ceiling
       FROM controls JOIN validators ON validators.id = controls.validator_id`,
      [],
      PAGE,
    );
    this.#controls = new Map(rows.map((row) => [String(row['name']), controlOfRow(row)]));
    this.#epoch = tables.epoch;
  }
}

function writeOf(validator: string, { freeze, heightCeiling }: ValidatorControl): TableWrite {
  return {
    sql: `INSERT INTO controls (validator_id, freeze, height_ceiling)
          SELECT id, ?, ? FROM validators WHERE name = ?
          ON CONFLICT (validator_id) DO UPDATE
          SET freeze = excluded.freeze, height_ceiling = excluded.height_ceiling`,
    values: [freeze === undefined ? null : freezeText(freeze), heightCeiling ?? null, validator],
  };
}

function freezeText({ raiseFloorTo, ...freeze }: Freeze): string {
  const height = raiseFloorTo === undefined ? {} : { raiseFloorTo: String(raiseFloorTo) };
  return JSON.stringify({ ...freeze, ...height });
}

function controlOfRow({ name, freeze, ceiling }: SqlRow): ValidatorControl {
  return {
    ...(freeze === null ? {} : { freeze: freezeOfText(String(name), String(freeze)) }),
    ...(typeof ceiling === 'bigint' ? { heightCeiling: ceiling } : {}),
  };
}

function freezeOfText(validator: string, text: string): Freeze {
  const stored = parsed(text);
  const cause = CAUSES.find((known) => known === stored?.['cause']);
  const { reason, atMs, by, raiseFloorTo } = stored ?? {};
  if (
    cause === undefined ||
    typeof reason !== 'string' ||
    typeof atMs !== 'number' ||
    typeof by !== 'string' ||
    (raiseFloorTo !== undefined && !/^\d{1,19}$/.test(String(raiseFloorTo)))
  ) {
    throw new ControlDamagedError(validator);
  }
  const height = raiseFloorTo === undefined ? {} : { raiseFloorTo: BigInt(String(raiseFloorTo)) };
  return { cause, reason, atMs, by, ...height };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

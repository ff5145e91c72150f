/** A rotation as a row of `floor.db`, with the checksum that makes a changed or moved row noticed. */
import { hash } from 'node:crypto';
import { bytesFromHex, equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { SqlRow, SqlValue } from '../guard/home-transaction.ts';
import {
  type ArmedBy,
  isOpen,
  OPEN_STATES,
  type PowerFact,
  type Rotation,
  type RotationState,
} from './rotation.ts';
import { RotationDamagedError } from './rotation-errors.ts';

/** What the checksum is a checksum of, should the fields ever change. */
const CHECKSUM_DOMAIN = 'privval rotation row 1';

/** Every rotation with its validator's name. Paged by id. */
export const SELECT_ROTATIONS = `
  SELECT r.id, v.name, r.state, r.is_open, r.old_key, r.new_key, r.activation_height, r.facts, r.checksum
  FROM rotations r JOIN validators v ON v.id = r.validator_id WHERE r.id > ? ORDER BY r.id`;

/** Adds a row, or replaces the one with its id. Values: {@link rotationValues}. */
export const WRITE_ROTATION = `
  INSERT INTO rotations (id, validator_id, state, is_open, old_key, new_key, activation_height, facts, checksum)
  SELECT ?, id, ?, ?, ?, ?, ?, ?, ? FROM validators WHERE name = ?
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, is_open = excluded.is_open,
    old_key = excluded.old_key, activation_height = excluded.activation_height,
    facts = excluded.facts, checksum = excluded.checksum`;

const STATES: readonly string[] = [
  ...OPEN_STATES,
  'verified',
  'retiring',
  'finished',
  'aborted',
] satisfies readonly RotationState[];

/** The values of {@link WRITE_ROTATION}. */
export function rotationValues(rotation: Rotation, homeId: Uint8Array): readonly SqlValue[] {
  const facts = factsText(rotation);
  return [
    rotation.id,
    rotation.state,
    countsAsOpen(rotation) ? 1n : 0n,
    rotation.oldKey,
    rotation.newKey,
    rotation.activationHeight ?? null,
    facts,
    checksumOf(rotation, facts, homeId),
    rotation.validator,
  ];
}

/**
 * Reads a row of {@link SELECT_ROTATIONS}.
 *
 * @throws {RotationDamagedError} ERR_ROTATION_DAMAGED when any field differs from what was written.
 */
export function rotationOfRow(row: SqlRow, homeId: Uint8Array): Rotation {
  const { id, name, state, old_key, new_key, activation_height, facts, checksum } = row;
  const validator = String(name);
  if (
    typeof id !== 'bigint' ||
    !(old_key instanceof Uint8Array) ||
    !(new_key instanceof Uint8Array) ||
    !(checksum instanceof Uint8Array) ||
    !STATES.includes(String(state))
  ) {
    throw new RotationDamagedError(validator, 'a row of its rotations cannot be read');
  }
  const stored = {
    id,
    validator,
    state: state as RotationState,
    oldKey: new Uint8Array(old_key),
    newKey: new Uint8Array(new_key),
    activationHeight: activation_height === null ? undefined : BigInt(String(activation_height)),
  };
  const text = String(facts);
  const isIntact = equalBytes(checksum, checksumOf(stored, text, homeId));
  if (!isIntact)
    throw new RotationDamagedError(validator, `rotation ${id} is not what was written`);
  const rotation = { ...stored, ...factsOfText(text) };
  if ((row['is_open'] === 1n) !== countsAsOpen(rotation)) {
    throw new RotationDamagedError(validator, `rotation ${id} is not what was written`);
  }
  return rotation;
}

/** The database keeps two of these from being there. An aborted one that the chain has armed is open beside them (S45). */
function countsAsOpen({ state, entered }: Rotation): boolean {
  return isOpen(state) && entered.aborted === undefined;
}

type Facts = Omit<
  Rotation,
  'id' | 'validator' | 'state' | 'oldKey' | 'newKey' | 'activationHeight'
>;

/** Heights as decimal texts, bytes as hex. */
function factsText(rotation: Rotation): string {
  const { proof, contradiction, retiresAfter } = rotation;
  return JSON.stringify({
    newKeyIn: text(rotation.newKeyIn),
    oldKeyOut: text(rotation.oldKeyOut),
    armedBy: rotation.armedBy,
    isPassed: rotation.isPassed,
    proof: proof && {
      message: hexFromBytes(proof.message),
      signature: hexFromBytes(proof.signature),
    },
    contradiction: contradiction && {
      height: String(contradiction.height),
      told: contradiction.told,
    },
    seenAt: rotation.seenAt.map(String),
    missedAt: rotation.missedAt.map(String),
    retiresAfter: retiresAfter && {
      height: String(retiresAfter.height),
      timeMs: retiresAfter.timeMs,
    },
    powers: rotation.powers.map(({ height, ...power }) => ({ height: String(height), ...power })),
    strangerAt: text(rotation.strangerAt),
    isRemovalPrinted: rotation.isRemovalPrinted,
    entered: rotation.entered,
  });
}

/** What {@link factsText} has written, which the checksum vouches for. */
interface StoredFacts {
  readonly newKeyIn?: string;
  readonly oldKeyOut?: string;
  readonly armedBy?: ArmedBy;
  readonly isPassed: boolean;
  readonly proof?: { readonly message: string; readonly signature: string };
  readonly contradiction?: {
    readonly height: string;
    readonly told: Readonly<Record<string, string>>;
  };
  readonly seenAt: readonly string[];
  readonly missedAt: readonly string[];
  readonly retiresAfter?: { readonly height: string; readonly timeMs: number };
  readonly powers: readonly (Omit<PowerFact, 'height'> & { readonly height: string })[];
  readonly strangerAt?: string;
  readonly isRemovalPrinted: boolean;
  readonly entered: Rotation['entered'];
}

function factsOfText(json: string): Facts {
  const facts = JSON.parse(json) as StoredFacts;
  const { proof, contradiction, retiresAfter } = facts;
  return {
    newKeyIn: height(facts.newKeyIn),
    oldKeyOut: height(facts.oldKeyOut),
    armedBy: facts.armedBy,
    isPassed: facts.isPassed,
    proof: proof && {
      message: bytesFromHex(proof.message),
      signature: bytesFromHex(proof.signature),
    },
    contradiction: contradiction && {
      ...contradiction,
      height: BigInt(contradiction.height),
    },
    seenAt: facts.seenAt.map(BigInt),
    missedAt: facts.missedAt.map(BigInt),
    retiresAfter: retiresAfter && { ...retiresAfter, height: BigInt(retiresAfter.height) },
    powers: facts.powers.map((power) => ({ ...power, height: BigInt(power.height) })),
    strangerAt: height(facts.strangerAt),
    isRemovalPrinted: facts.isRemovalPrinted,
    entered: facts.entered,
  };
}

function text(value: bigint | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function height(value: string | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

/** SHA-256 over every field, each behind its length, so that no two rows have the same text. */
function checksumOf(
  row: Pick<Rotation, 'id' | 'validator' | 'state' | 'oldKey' | 'newKey' | 'activationHeight'>,
  facts: string,
  homeId: Uint8Array,
): Uint8Array {
  const parts = [
    CHECKSUM_DOMAIN,
    homeId,
    String(row.id),
    row.validator,
    row.state,
    row.oldKey,
    row.newKey,
    row.activationHeight === undefined ? '-' : String(row.activationHeight),
    facts,
  ];
  const chunks = parts.flatMap((part) => {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    return [Buffer.from(`${bytes.length}:`), bytes];
  });
  return new Uint8Array(hash('sha256', Buffer.concat(chunks), 'buffer'));
}

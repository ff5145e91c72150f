/** What lies in a signer's home and was changed there: the identity, a floor's row and mark, JSON by its places. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type JsonSpan, readJsonObject } from '@privval/hsm/file/json-spans';
import { parseChainId } from '@privval/proto/types/chain-id';
import { FloorMark } from '@privval/signer/guard/floor-mark';
import {
  type FloorRow,
  floorChecksum,
  floorRowFromStored,
  type StoredFloorRow,
} from '@privval/signer/guard/floor-row';
import { readIdentity } from '@privval/signer/home/identity';
import { edited, scriptsOf } from './edit-script.ts';
import { type FuzzTarget, owed, refusedAs } from './fuzz-target.ts';
import { NamelessFile } from './nameless-file.ts';
import { owedNoSecret } from './secret-pieces.ts';

/** `identity.json`. Whatever is wrong with it, no error says a piece of the secret (S18). */
export const identityTarget: FuzzTarget = {
  name: 'identity',
  // Every input is a file, and guarded memory is a system call at every turn.
  share: 0.1,
  run(bytes) {
    if (bytes.length === 0) return;
    using file = new NamelessFile(bytes);
    try {
      using identity = readIdentity(file.path);
      owed(identity.publicKey.bytes.length === 32, 'an identity has a public key');
    } catch (error) {
      owedNoSecret(error);
      throw error;
    }
  },
  allowed: refusedAs('ERR_KEY_FILE_MALFORMED', 'ERR_KEY_FILE_MISMATCH'),
};

/** `floor.mark`, through a file as it is read. An odd first byte makes its checksum right. */
export const floorMarkTarget: FuzzTarget = {
  name: 'floor-mark',
  // Every input is a file.
  share: 0.1,
  run(bytes) {
    const content = bytes.slice(1);
    if (((bytes[0] ?? 0) & 1) === 1 && content.length === 64) {
      content.set(createHash('sha256').update(content.subarray(0, 32)).digest(), 32);
    }
    using file = new NamelessFile(content);
    using mark = FloorMark.open(file.path);
    mark.write(mark.read().generation);
    owed(
      readFileSync(file.path).equals(content),
      'a mark that was read is written as it was (S11)',
    );
  },
  allowed: refusedAs('ERR_FLOOR_MARK_DAMAGED'),
};

/** JSON as key and state files are read: where it agrees with `JSON.parse`, it agrees in every value. */
export const jsonSpansTarget: FuzzTarget = {
  name: 'json-spans',
  run(bytes) {
    const top = readJsonObject(bytes);
    owed(top.start >= 0 && top.end <= bytes.length, 'a value lies in its text');
    let plain: unknown;
    try {
      plain = JSON.parse(textOf(bytes, top));
    } catch {
      // A text that nobody asks for may hold what is no UTF-8, or escapes that do not exist.
      return;
    }
    checkMembers(bytes, top, plain as Readonly<Record<string, unknown>>);
  },
  allowed: refusedAs('ERR_JSON_SYNTAX'),
};

function checkMembers(
  bytes: Uint8Array,
  span: JsonSpan,
  plain: Readonly<Record<string, unknown>>,
): void {
  const keys = [...span.members.keys()].sort();
  owed(isDeepStrictEqual(keys, Object.keys(plain).sort()), 'an object has the keys it has');
  for (const [key, member] of span.members) {
    const value = plain[key];
    owed(isDeepStrictEqual(JSON.parse(textOf(bytes, member)), value), 'a key has its own value');
    if (member.kind === 'object') checkMembers(bytes, member, value as typeof plain);
  }
}

function textOf(bytes: Uint8Array, span: JsonSpan): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    bytes.subarray(span.start, span.end),
  );
}

const NOTHING: Uint8Array = new Uint8Array(0);
const HOME_ID = new Uint8Array(16).fill(0x41);

const ROW: FloorRow = {
  id: 7n,
  record: {
    name: 'validator',
    chainId: parseChainId('chain-1'),
    publicKey: new Uint8Array(32).fill(0x42),
  },
  floor: {
    height: 1_234_567n,
    round: 2,
    step: 'prevote',
    signBytes: new Uint8Array(90).fill(0x43),
    signature: new Uint8Array(64).fill(0x44),
    publicKey: new Uint8Array(32).fill(0x42),
  },
  generation: 99n,
  journal: { seq: 4_321n, hash: new Uint8Array(32).fill(0x45) },
};

const CHECKSUM = floorChecksum(ROW, HOME_ID);

/** A floor's row of which fields were edited. What passes its checksum is the floor that was written (S11). */
export const floorRowTarget: FuzzTarget = {
  name: 'floor-row',
  run(bytes) {
    const stored = storedRow(scriptsOf(bytes, 13));
    owed(isDeepStrictEqual(floorRowFromStored(stored, HOME_ID), ROW), 'a changed floor is noticed');
  },
  allowed: refusedAs('ERR_FLOOR_CHECKSUM', 'ERR_FLOOR_DAMAGED'),
};

/** The row with the edits of each field; a first one of kind 255 makes NULL of what may be NULL. */
function storedRow(scripts: readonly Uint8Array[]): StoredFloorRow {
  const { record, floor } = ROW;
  const script = (field: number): Uint8Array => scripts[field] ?? NOTHING;
  const bytes = (field: number, honest: Uint8Array = NOTHING): Uint8Array =>
    edited(honest, script(field));
  const orNull = <T>(field: number, value: T): T | null =>
    script(field)[1] === 255 ? null : value;
  const text = (field: number, honest: string): string =>
    Buffer.from(bytes(field, Buffer.from(honest))).toString();
  const integer = (field: number, honest: bigint): bigint => {
    const word = new DataView(new ArrayBuffer(8));
    word.setBigInt64(0, honest);
    const changed = bytes(field, new Uint8Array(word.buffer));
    const padded = new Uint8Array(8);
    padded.set(changed.subarray(0, 8));
    return new DataView(padded.buffer).getBigInt64(0);
  };
  return {
    id: ROW.id,
    name: text(0, record.name),
    chain_id: text(1, record.chainId),
    validator_key: bytes(2, record.publicKey),
    height: orNull(3, integer(3, floor.height)),
    round: integer(4, BigInt(floor.round)),
    step: integer(5, 2n),
    sign_bytes: orNull(6, bytes(6, floor.signBytes)),
    signature: orNull(7, bytes(7, floor.signature)),
    public_key: orNull(8, bytes(8, floor.publicKey)),
    generation: integer(9, ROW.generation),
    checksum: bytes(10, CHECKSUM),
    audit_seq: integer(11, ROW.journal.seq),
    audit_hash: bytes(12, ROW.journal.hash),
  };
}

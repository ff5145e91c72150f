/**
 * The part of the log that is in the database, as `audit verify` reads it: page by page from a running
 * signer, or from a home that nobody serves. Both give the same.
 */
import { hash } from 'node:crypto';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { HomeTables, SqlRow } from '../guard/home-transaction.ts';
import { STEP_NAMES } from '../home/home-state.ts';
import { firstPrevious } from './audit-chain.ts';
import { ENTRY_COLUMNS, lineOfRow, rowFromSql } from './audit-rows.ts';

/** Entries in a page, and the length of their lines from which on a page ends. */
const MAX_ROWS = 2_000;
const MAX_CHARACTERS = 1_048_576;

/** Entries that are read at once: well below 2 ms. */
const SLICE_ROWS = 100;

/** A segment, as the database knows it. */
export interface SegmentJson {
  readonly first: string;
  readonly last: string;
  /** Hex. */
  readonly lastHash: string;
  readonly file: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly state: string;
}

/** What a floor knows of the log. */
export interface LiveFloor {
  readonly validator: string;
  readonly height: string;
  readonly round: number;
  readonly step: (typeof STEP_NAMES)[number];
  /** SHA-256 of the floor's sign bytes, hex. */
  readonly signHash: string | null;
  readonly seq: string;
  readonly hash: string;
}

/** What the live entries hang on, and what they have to agree with. */
export interface LiveHead {
  readonly format: 'privval audit live 1';
  /** Hex. */
  readonly homeId: string;
  /** Number of the first entry that no segment has. */
  readonly first: string;
  /** Hash that one hangs on. Hex. */
  readonly previous: string;
  /** The newest entry, as floors and home know it. */
  readonly tail: { readonly seq: string; readonly hash: string };
  readonly floors: readonly LiveFloor[];
  readonly segments: readonly SegmentJson[];
}

/** One page. `head` is of the moment of its last line. */
export interface LivePage {
  readonly head: LiveHead;
  /** As in a segment file. */
  readonly lines: readonly string[];
  /** Where the next page begins; null when this is the last. */
  readonly nextAfter: string | null;
}

/**
 * Entries after `after`, or all of them from the beginning of the live part. `pause` is awaited
 * between slices: a daemon lets others have their turn.
 */
export async function readLivePage(
  tables: Pick<HomeTables, 'read'>,
  options: { readonly after?: bigint | undefined; readonly pause: () => Promise<void> },
): Promise<LivePage> {
  const lines: string[] = [];
  let after = options.after ?? BigInt(readLiveHead(tables).first) - 1n;
  let characters = 0;
  for (;;) {
    const rows = tables.read(
      `SELECT ${ENTRY_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq`,
      [after],
      SLICE_ROWS,
    );
    for (const row of rows) {
      const entry = rowFromSql(row);
      const line = lineOfRow(entry);
      lines.push(line);
      characters += line.length;
      after = entry.seq;
    }
    const isLast = rows.length < SLICE_ROWS;
    if (isLast || lines.length >= MAX_ROWS || characters >= MAX_CHARACTERS) {
      const nextAfter = isLast ? null : String(after);
      return { head: readLiveHead(tables), lines, nextAfter };
    }
    await options.pause();
  }
}

/** What the live entries hang on now. */
export function readLiveHead(tables: Pick<HomeTables, 'read'>): LiveHead {
  const [home] = tables.read('SELECT home_id, audit_seq, audit_hash FROM home', [], 1);
  const homeId = blob(home?.['home_id']);
  const segments = readSegments(tables);
  const floors = readFloors(tables);
  const newest = segments.at(-1);
  const ofHome = { seq: integer(home?.['audit_seq']), hash: blob(home?.['audit_hash']) };
  const tail = floors.reduce(
    (latest, { seq, hash }) => (BigInt(seq) > BigInt(latest.seq) ? { seq, hash } : latest),
    { seq: String(ofHome.seq), hash: hexFromBytes(ofHome.hash) },
  );
  return {
    format: 'privval audit live 1',
    homeId: hexFromBytes(homeId),
    first: newest === undefined ? '1' : String(BigInt(newest.last) + 1n),
    previous: newest === undefined ? hexFromBytes(firstPrevious(homeId)) : newest.lastHash,
    tail,
    floors,
    segments,
  };
}

/** Every segment there is or was, oldest first. */
export function readSegments(tables: Pick<HomeTables, 'read'>): readonly SegmentJson[] {
  const rows = tables.read(
    `SELECT first_seq, last_seq, last_hash, file, file_sha256, bytes, state FROM audit_segments
     WHERE state <> 'writing' ORDER BY first_seq`,
    [],
    Number.MAX_SAFE_INTEGER,
  );
  return rows.map((row) => ({
    first: String(row['first_seq']),
    last: String(row['last_seq']),
    lastHash: hexFromBytes(blob(row['last_hash'])),
    file: String(row['file']),
    sha256: hexFromBytes(blob(row['file_sha256'])),
    bytes: Number(row['bytes']),
    state: String(row['state']),
  }));
}

function readFloors(tables: Pick<HomeTables, 'read'>): readonly LiveFloor[] {
  const rows = tables.read(
    `SELECT v.name, f.height, f.round, f.step, f.sign_bytes, f.audit_seq, f.audit_hash
     FROM floors f JOIN validators v ON v.id = f.validator_id ORDER BY v.name`,
    [],
    Number.MAX_SAFE_INTEGER,
  );
  return rows.map((row): LiveFloor => {
    const signBytes = row['sign_bytes'];
    return {
      validator: String(row['name']),
      height: String(row['height']),
      round: Number(row['round']),
      step: STEP_NAMES[Number(row['step'])] ?? 'none',
      signHash: signBytes instanceof Uint8Array ? hash('sha256', signBytes, 'hex') : null,
      seq: String(row['audit_seq']),
      hash: hexFromBytes(blob(row['audit_hash'])),
    };
  });
}

function blob(value: SqlRow[string] | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function integer(value: SqlRow[string] | undefined): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

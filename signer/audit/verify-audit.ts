/** Whether an audit log is the one that was written: the chain, its files, the floors, a checkpoint. */
import { hash } from 'node:crypto';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { JournalRow } from '../guard/floor-journal.ts';
import { comparePositions, type Position } from '../guard/hrs.ts';
import { STEP_NAMES } from '../home/home-state.ts';
import { firstPrevious } from './audit-chain.ts';
import type { LiveFloor, LiveHead, SegmentJson } from './audit-live.ts';
import { rowFromLine } from './audit-rows.ts';
import type { AuditFinding, AuditVerdict, Checkpoint, SegmentEnd } from './audit-segment.ts';
import { ChainWalk } from './chain-walk.ts';

/** A log as it was found. */
export interface AuditEvidence {
  readonly head: LiveHead;
  /** Of the live part. */
  readonly lines: readonly string[];
  /** The bytes of a segment's file; `undefined` when there is none. */
  readonly readSegment: (file: string) => Promise<Uint8Array | undefined>;
  /** Names of all segment files that are there. */
  readonly files: readonly string[];
  /** Public half of the home's audit key, hex, if there is one. */
  readonly auditKey: string | undefined;
}

/** What is held against the log. */
export type HeldCheckpoint =
  | { readonly kind: 'good'; readonly checkpoint: Checkpoint }
  /** No checkpoint, or with a signature that is not by its key. */
  | { readonly kind: 'invalid' };

/** The newest decision of a validator, and what the checkpoint is compared with. */
interface Noted {
  readonly decisions: Map<string, JournalRow>;
  /** Entries that floors and the checkpoint name, by number. */
  readonly wanted: ReadonlySet<bigint>;
  readonly hashes: Map<bigint, string>;
  readonly removals: Map<string, string>;
}

/** Looks at everything. Of whole segments one is in memory at a time. */
export async function verifyAudit(
  evidence: AuditEvidence,
  held?: HeldCheckpoint,
): Promise<AuditVerdict> {
  const { head, lines } = evidence;
  const homeId = bytesFromHex(head.homeId);
  const walk = new ChainWalk(0n, firstPrevious(homeId));
  const wanted = new Set(head.floors.map(({ seq }) => BigInt(seq)));
  if (held?.kind === 'good') wanted.add(BigInt(held.checkpoint.seq));
  const noted: Noted = { decisions: new Map(), wanted, hashes: new Map(), removals: new Map() };
  let first: bigint | undefined;
  const add = (row: JournalRow, file?: string): void => {
    first ??= row.seq;
    walk.add(row, file);
    note(noted, row);
  };

  for (const segment of head.segments) {
    if (segment.state === 'removed') {
      walk.skipTo(BigInt(segment.last), bytesFromHex(segment.lastHash));
      noted.hashes.set(BigInt(segment.last), segment.lastHash);
    } else await walkSegment(evidence, segment, { walk, add });
  }
  for (const line of lines) {
    const row = rowFromLine(line);
    // What a segment has is in the table for a while as well.
    if (row !== undefined && row.seq >= BigInt(head.first)) add(row);
  }
  checkEnd(head, walk);
  checkRemovals(head, noted, walk);
  checkFiles(evidence, walk);
  checkFloors(head, noted, walk);
  const holds = held === undefined ? false : checkCheckpoint(evidence, held, noted, walk);
  const findings = walk.finish();
  return {
    isWhole: findings.length === 0,
    entries: walk.entries,
    first: String(first ?? 0n),
    last: String(walk.last),
    findings,
    checkpoint:
      held === undefined ? null : { seq: held.kind === 'good' ? held.checkpoint.seq : '0', holds },
  };
}

interface Walking {
  readonly walk: ChainWalk;
  readonly add: (row: JournalRow, file: string) => void;
}

async function walkSegment(
  { head, readSegment }: AuditEvidence,
  segment: SegmentJson,
  { walk, add }: Walking,
): Promise<void> {
  const { file, first, last, lastHash, sha256 } = segment;
  const find = (what: AuditFinding['what'], seq: string | bigint, text: string): void =>
    walk.find({ what, seq: String(seq), file, text });
  const bytes = await readSegment(file);
  if (bytes === undefined) {
    find('segment-missing', first, `the file of entries ${first} to ${last} is not there`);
    walk.skipTo(BigInt(last), bytesFromHex(lastHash));
    return;
  }
  if (hash('sha256', bytes, 'hex') !== sha256) {
    find('segment-changed', first, 'the file is not the one that was closed');
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const [headLine = '', ...rest] = text.split('\n').filter((line) => line !== '');
  const segmentHead = parsed(headLine);
  if (segmentHead?.['homeId'] !== head.homeId) {
    find('foreign', first, 'the file is of another home, or has no first line');
  }
  const rows: JournalRow[] = [];
  let end: Partial<SegmentEnd> | undefined;
  for (const line of rest) {
    const row = rowFromLine(line);
    if (row !== undefined) rows.push(row);
    else end = parsed(line) as Partial<SegmentEnd> | undefined;
  }
  const misplaced = rows.find((row, index) => row.seq <= (rows[index - 1]?.seq ?? -1n));
  if (misplaced !== undefined) {
    find('reordered', misplaced.seq, `entry ${misplaced.seq} does not stand where it was written`);
  }
  const sorted = rows.toSorted((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0));
  for (const [index, row] of sorted.entries()) {
    if (row.seq < BigInt(first) || row.seq > BigInt(last)) {
      find('foreign', row.seq, `entry ${row.seq} does not belong into this file`);
    } else if (row.seq === sorted[index - 1]?.seq) {
      find('foreign', row.seq, `entry ${row.seq} is there twice`);
    } else add(row, file);
  }
  if (end?.last !== last || walk.last < BigInt(last)) {
    find('truncated', walk.last + 1n, `the file ends with entry ${walk.last} instead of ${last}`);
    if (walk.last < BigInt(last)) walk.skipTo(BigInt(last), bytesFromHex(lastHash));
  } else if (hexFromBytes(walk.hash) !== lastHash) {
    find('edited', last, `entry ${last} has another hash than when the file was closed`);
  }
}

function note({ decisions, wanted, hashes, removals }: Noted, row: JournalRow): void {
  if (wanted.has(row.seq)) hashes.set(row.seq, hexFromBytes(row.hash));
  if (row.kind === 'decision' && row.validator !== null) decisions.set(row.validator, row);
  if (row.kind !== 'segment') return;
  const body = parsed(row.body);
  if (body?.['did'] === 'removed') removals.set(String(body['file']), String(body['sha256']));
}

/** What the floors and the home know the newest entry to be. */
function checkEnd({ tail }: LiveHead, walk: ChainWalk): void {
  const expected = BigInt(tail.seq);
  if (walk.last < expected) {
    const text = `the log ends with entry ${walk.last}; the floors know of entry ${expected}`;
    walk.find({ what: 'truncated', seq: String(walk.last + 1n), text });
  } else if (walk.last > expected) {
    const text = `the log goes on to entry ${walk.last}; the floors know of none after ${expected}`;
    walk.find({ what: 'foreign', seq: String(expected + 1n), text });
  } else if (expected > 0n && hexFromBytes(walk.hash) !== tail.hash) {
    const text = `entry ${expected} is not the one that the floors know of`;
    walk.find({ what: 'edited', seq: tail.seq, text });
  }
}

/** A segment that is gone has an entry that says so; of the newest one gone that entry is still kept. */
function checkRemovals({ segments }: LiveHead, { removals }: Noted, walk: ChainWalk): void {
  const kept = segments.findIndex(({ state }) => state !== 'removed');
  const gone = segments.filter(({ state }) => state === 'removed');
  for (const [index, segment] of gone.entries()) {
    const { file, first, last, sha256 } = segment;
    const isNewest = index === gone.length - 1;
    const told = removals.get(file);
    const isTold = told === undefined ? !isNewest : told === '' || told === sha256;
    const isInside = kept !== -1 && segments.indexOf(segment) > kept && told === undefined;
    if (isTold && !isInside) continue;
    const text = `entries ${first} to ${last} are marked as removed, and no entry tells of it`;
    walk.find({ what: 'removed', seq: first, file, text });
  }
}

/** Files that the database knows nothing of: it was set back, or they were put there. */
function checkFiles({ head, files }: AuditEvidence, walk: ChainWalk): void {
  const known = new Set(head.segments.map(({ file }) => file));
  for (const file of files) {
    const first = BigInt(/^\d+/.exec(file)?.[0] ?? '0');
    // A file that was just written, before its transaction: the entries are in the table as well.
    if (known.has(file) || first === BigInt(head.first)) continue;
    const text =
      first > BigInt(head.tail.seq)
        ? `${file} has entries that the database never had: it was set back`
        : `${file} is no segment of this log`;
    const what = first > BigInt(head.tail.seq) ? 'rolled-back' : 'foreign';
    walk.find({ what, seq: String(first), file, text });
  }
}

function checkFloors({ floors }: LiveHead, { decisions, hashes }: Noted, walk: ChainWalk): void {
  for (const floor of floors) {
    const disagrees = (text: string): void =>
      walk.find({ what: 'floor-disagrees', seq: floor.seq, text: `${floor.validator}: ${text}` });
    const known = hashes.get(BigInt(floor.seq));
    if (known !== undefined && known !== floor.hash) {
      disagrees(`its floor was written with another entry ${floor.seq} than the log has`);
    }
    const decision = decisions.get(floor.validator);
    const decided = decision && positionOf(decision);
    if (decision === undefined || decided === undefined) continue;
    const order = comparePositions(decided, floorPosition(floor));
    const { signHash } = decision;
    if (order > 0) {
      disagrees(
        `its floor stands below ${decided.height}/${decided.round}/${decided.step}, which entry ${decision.seq} tells of`,
      );
    } else if (
      order === 0 &&
      floor.signHash !== null &&
      signHash !== null &&
      hexFromBytes(signHash) !== floor.signHash
    ) {
      disagrees(`its floor holds another message than entry ${decision.seq} tells of`);
    }
  }
}

/** @returns whether it holds. */
function checkCheckpoint(
  { head, auditKey }: AuditEvidence,
  held: HeldCheckpoint,
  { hashes }: Noted,
  walk: ChainWalk,
): boolean {
  if (held.kind === 'invalid') {
    const text = 'this is no checkpoint, or its signature is not by the key it names';
    walk.find({ what: 'checkpoint-invalid', seq: '0', text });
    return false;
  }
  const { checkpoint } = held;
  const { seq, hash: stated } = checkpoint;
  const find = (what: AuditFinding['what'], text: string): false => {
    walk.find({ what, seq, text });
    return false;
  };
  if (checkpoint.homeId !== head.homeId) {
    return find('checkpoint-invalid', 'it is a checkpoint of another home');
  }
  if (checkpoint.auditKey !== auditKey) {
    return find('checkpoint-invalid', "it is signed by another key than this home's audit.key");
  }
  if (BigInt(seq) > walk.last) {
    return find(
      'rolled-back',
      `the checkpoint of ${checkpoint.time} knows of entry ${seq}; the log ends with entry ${walk.last}: database and log were set back`,
    );
  }
  const found = hashes.get(BigInt(seq));
  if (found === undefined) {
    return find(
      'checkpoint-invalid',
      `entry ${seq} is not kept any more, or not to be found: hold a newer checkpoint against the log`,
    );
  }
  if (found !== stated) {
    return find(
      'rolled-back',
      `entry ${seq} is another one than on ${checkpoint.time}: the log was set back and written anew`,
    );
  }
  return checkpointFloors(head, checkpoint, walk);
}

function checkpointFloors(
  { floors }: LiveHead,
  { floors: stated, seq }: Checkpoint,
  walk: ChainWalk,
): boolean {
  let holds = true;
  for (const [validator, text] of Object.entries(stated)) {
    const floor = floors.find((each) => each.validator === validator);
    const position = parsedPosition(text);
    const isBelow =
      floor === undefined ||
      (position !== undefined && comparePositions(floorPosition(floor), position) < 0);
    if (!isBelow) continue;
    holds = false;
    const words = floor === undefined ? 'has no floor any more' : `stands below ${text}`;
    walk.find({ what: 'floor-disagrees', seq, text: `${validator} ${words}, where it stood then` });
  }
  return holds;
}

function parsedPosition(text: string): Position | undefined {
  const [height = '', round = '', step = ''] = text.split('/');
  const known = STEP_NAMES.find((name) => name === step);
  if (known === undefined || !/^\d+$/.test(height)) return undefined;
  return { height: BigInt(height), round: Number(round), step: known };
}

function positionOf({ height, round, step }: JournalRow): Position | undefined {
  const name = step === null ? undefined : STEP_NAMES[step];
  if (height === null || round === null || name === undefined) return undefined;
  return { height, round, step: name };
}

function floorPosition({ height, round, step }: LiveFloor): Position {
  return { height: BigInt(height), round, step };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

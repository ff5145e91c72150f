/** The audit log of a home that is being served. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { Decided, FloorChange, JournalOpening, JournalRow } from '../guard/floor-journal.ts';
import type { JournalDraft } from '../guard/home-transaction.ts';
import type { Hrs } from '../guard/hrs.ts';
import { createFile } from '../home/durable-file.ts';
import { homePaths } from '../home/home-paths.ts';
import { openAuditKey, parseCheckpoint, signCheckpoint } from './audit-checkpoint.ts';
import type { AuditBodies, AuditEntry, OutcomeNote } from './audit-entry.ts';
import { type AuditJournal, draft } from './audit-journal.ts';
import { type LivePage, readLiveHead, readLivePage, readSegments } from './audit-live.ts';
import type { AuditLog, AuditQuery, AuditStatus, Summarized } from './audit-log.ts';
import { ENTRY_COLUMNS, entryJson, rowFromSql } from './audit-rows.ts';
import { AuditSearch } from './audit-search.ts';
import type { Checkpoint } from './audit-segment.ts';
import { type AuditStore, AuditUpkeep } from './audit-upkeep.ts';
import { PrecommitIndex } from './precommit-index.ts';

const TICK_MS = 1_000;

/** What waits without a transaction for so long gets one of its own. */
const IDLE_FLUSH_MS = 5_000;

/** Checkpoints that are kept in the home. */
const MAX_CHECKPOINTS = 48;

/** Entries that the index of precommits is filled with at once. */
const FILL_ROWS = 200;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** A fault of the upkeep is told once in this time. */
const COMPLAINT_INTERVAL_MS = 60_000;

/** Collaborators of a {@link HomeAuditLog}. */
export interface HomeAuditLogDeps {
  readonly store: AuditStore;
  /** The one the store was opened with. */
  readonly journal: AuditJournal;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes of the disk that are free. @default asks the file system */
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

/** Where it is, and its bounds. */
export interface HomeAuditLogOptions {
  readonly home: string;
  /** @default 1073741824 */
  readonly maxBytes?: number | undefined;
  /** @default 33554432 */
  readonly segmentBytes?: number | undefined;
  /** @default 268435456 */
  readonly diskReserveBytes?: number | undefined;
  /** Between two checkpoints; 0 makes none by itself. @default 3600 */
  readonly checkpointSeconds?: number | undefined;
}

/** The options with what they are by default. */
type Settings = {
  readonly [Name in keyof HomeAuditLogOptions]-?: NonNullable<HomeAuditLogOptions[Name]>;
};

/**
 * {@link AuditLog} over the store of a home. The journal is another object, since the store is opened
 * with it; this one has the rest, and can come once something was signed.
 *
 * One loop, a tick a second: writes what has waited too long, keeps the log within its bounds, signs
 * checkpoints. It ends with the log. Dispose it before the store: what waits is then written.
 */
export class HomeAuditLog implements AuditLog {
  readonly #deps: HomeAuditLogDeps;
  readonly #options: Settings;
  readonly #folder: string;
  readonly #search: AuditSearch;
  readonly #upkeep: AuditUpkeep;
  readonly #index = new PrecommitIndex();
  readonly #shutdown = new AbortController();
  readonly #closed: Promise<void>;
  #key: Ed25519SecretKey | undefined;
  #isFilled = false;
  /** Number of the first entry that was written since. */
  #firstHeard: bigint | undefined;
  #checkpointAtMs: number;
  #checkpointSeq: bigint | undefined;
  #complainAtMs = Number.NEGATIVE_INFINITY;

  private constructor(deps: HomeAuditLogDeps, options: Settings) {
    const { journal, clock } = deps;
    this.#deps = deps;
    this.#options = options;
    this.#folder = homePaths(options.home).audit;
    this.#search = new AuditSearch({ pause: nextTurn }, this.#folder);
    this.#upkeep = new AuditUpkeep(
      { ...deps, pause: nextTurn },
      { ...options, folder: this.#folder },
    );
    this.#checkpointAtMs = clock.monotonicMs() + options.checkpointSeconds * 1_000;
    journal.listen((rows) => {
      this.#firstHeard ??= rows[0]?.seq;
      for (const row of rows) this.#index.add(row);
      this.#upkeep.added(rows);
    });
    this.#closed = this.#run();
  }

  /** Over a store that was opened with `deps.journal`. */
  static start(deps: HomeAuditLogDeps, options: HomeAuditLogOptions): HomeAuditLog {
    return new HomeAuditLog(deps, {
      home: options.home,
      maxBytes: options.maxBytes ?? 1_073_741_824,
      segmentBytes: options.segmentBytes ?? 33_554_432,
      diskReserveBytes: options.diskReserveBytes ?? 268_435_456,
      checkpointSeconds: options.checkpointSeconds ?? 3_600,
    });
  }

  opened(opening: JournalOpening): void {
    this.#deps.journal.opened(opening);
  }

  compose(decided: readonly Decided[]): readonly JournalRow[] {
    return this.#deps.journal.compose(decided);
  }

  composeDrafts(drafts: readonly JournalDraft[]): readonly JournalRow[] {
    return this.#deps.journal.composeDrafts(drafts);
  }

  draftOfFloor(change: FloorChange): JournalDraft {
    return this.#deps.journal.draftOfFloor(change);
  }

  get hasWaiting(): boolean {
    return this.#deps.journal.hasWaiting;
  }

  committed(): void {
    this.#deps.journal.committed();
  }

  failed(): void {
    this.#deps.journal.failed();
  }

  /** @returns whether a decision was waiting for it. */
  outcome(validator: string, at: Hrs, note: Omit<OutcomeNote, 'seq'>): boolean {
    return this.#deps.journal.outcome(validator, at, note);
  }

  addUp(event: Summarized): void {
    this.#deps.journal.addUp(event);
  }

  connection(validator: string, change: Omit<AuditBodies['connection'], 'count'>): void {
    this.#deps.journal.connection(validator, change);
  }

  holdsPrecommit(
    validator: string,
    at: { readonly height: bigint; readonly round: number },
    signHash: Uint8Array,
  ): 'yes' | 'no' | 'unknown' {
    this.#deps.journal.settle();
    const known = this.#index.holds(validator, at, signHash);
    return known === 'no' && at.height <= this.adoptedFloor(validator) ? 'unknown' : known;
  }

  adoptedFloor(validator: string): bigint {
    const [row] = this.#deps.store.read(
      `SELECT c.adopted_floor FROM controls c JOIN validators v ON v.id = c.validator_id
       WHERE v.name = ?`,
      [validator],
      1,
    );
    const height = row?.['adopted_floor'];
    return typeof height === 'bigint' ? height : 0n;
  }

  async query(query: AuditQuery, options: AbortOptions = {}): Promise<readonly AuditEntry[]> {
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const found: AuditEntry[] = [];
    if (limit <= 0) return found;
    for await (const entry of this.#search.entries(this.#deps.store, query)) {
      options.signal?.throwIfAborted();
      found.push(entry);
      if (found.length >= limit) break;
    }
    return found;
  }

  async *export(query: AuditQuery, options: AbortOptions = {}): AsyncGenerator<string> {
    for await (const entry of this.#search.entries(this.#deps.store, query)) {
      options.signal?.throwIfAborted();
      yield JSON.stringify(entryJson(entry));
    }
  }

  async live(after: bigint | undefined, options: AbortOptions = {}): Promise<LivePage> {
    const pause = async (): Promise<void> => {
      options.signal?.throwIfAborted();
      await nextTurn();
    };
    return readLivePage(this.#deps.store, { after, pause });
  }

  async checkpoint(options: AbortOptions = {}): Promise<Checkpoint> {
    options.signal?.throwIfAborted();
    const { store, clock } = this.#deps;
    const { homeId, tail, floors } = readLiveHead(store);
    const name = `checkpoint-${tail.seq}.json`;
    const path = join(this.#folder, name);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const there = existsSync(path) ? parseCheckpoint(readFileSync(path, 'utf8')) : undefined;
    if (there?.hash === tail.hash && there.homeId === homeId) return there;
    rmSync(path, { force: true });
    const checkpoint = signCheckpoint(
      {
        homeId,
        seq: tail.seq,
        hash: tail.hash,
        floors: Object.fromEntries(
          floors.map(({ validator, height, round, step }) => [
            validator,
            `${height}/${round}/${step}`,
          ]),
        ),
        time: new Date(clock.now()).toISOString(),
      },
      this.#auditKey(),
    );
    createFile(path, `${JSON.stringify(checkpoint, null, 2)}\n`);
    store.commit({
      entries: [draft('checkpoint', undefined, { file: `audit/${name}`, at: tail.seq })],
    });
    this.#checkpointSeq = BigInt(tail.seq);
    this.#removeOldCheckpoints();
    return checkpoint;
  }

  status(): AuditStatus {
    const { store, journal } = this.#deps;
    const segments = readSegments(store).filter(({ state }) => state !== 'removed');
    const [first] = store.read('SELECT seq FROM audit ORDER BY seq', [], 1);
    const oldest = segments[0]?.first ?? first?.['seq'];
    return {
      newestSeq: journal.tail.seq,
      newestHash: hexFromBytes(journal.tail.hash),
      oldestSeq: BigInt(String(oldest ?? 0)),
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, this.#upkeep.liveBytes),
      segments: segments.length,
      newestCheckpointSeq: this.#checkpointSeq,
      reserveBytes: this.#options.diskReserveBytes,
    };
  }

  /** Writes what waits; the store is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#closed;
    const { journal, store } = this.#deps;
    journal.close();
    try {
      store.flush();
    } catch (error) {
      this.#complain(error);
    }
    this.#key?.[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    const { signal } = this.#shutdown;
    const { clock } = this.#deps;
    while (!signal.aborted) {
      try {
        await clock.sleep(TICK_MS, { signal });
        await this.#tick({ signal });
      } catch (error) {
        if (!signal.aborted) this.#complain(error);
      }
    }
  }

  async #tick(options: AbortOptions): Promise<void> {
    const { journal, store, clock } = this.#deps;
    if (journal.hasWaiting && clock.monotonicMs() - journal.writtenAtMs >= IDLE_FLUSH_MS) {
      store.flush();
    }
    if (!this.#isFilled) await this.#fillIndex(options);
    await this.#upkeep.run(options);
    const { checkpointSeconds } = this.#options;
    if (checkpointSeconds === 0 || clock.monotonicMs() < this.#checkpointAtMs) return;
    this.#checkpointAtMs = clock.monotonicMs() + checkpointSeconds * 1_000;
    // Nothing but the entry of the last one has come since: there is nothing new to sign.
    if (journal.tail.seq - 1n !== this.#checkpointSeq) await this.checkpoint(options);
  }

  /** From the newest entry of before on backwards; what has come since then is there already. */
  async #fillIndex({ signal }: AbortOptions): Promise<void> {
    const { store } = this.#deps;
    const head = readLiveHead(store);
    let before = this.#firstHeard ?? BigInt(head.tail.seq) + 1n;
    for (;;) {
      signal?.throwIfAborted();
      const rows = store.read(
        `SELECT ${ENTRY_COLUMNS} FROM audit WHERE seq < ? ORDER BY seq DESC`,
        [before],
        FILL_ROWS,
      );
      for (const row of rows) this.#index.addOlder(rowFromSql(row));
      const oldest = rows.at(-1)?.['seq'];
      if (typeof oldest === 'bigint') before = oldest;
      if (rows.length < FILL_ROWS) break;
      await nextTurn();
    }
    this.#index.filled({ beginsWithLog: before === 1n });
    this.#isFilled = true;
  }

  #auditKey(): Ed25519SecretKey {
    this.#key ??= openAuditKey(homePaths(this.#options.home).auditKey);
    return this.#key;
  }

  #removeOldCheckpoints(): void {
    const numbers = readdirSync(this.#folder)
      .map((name) => /^checkpoint-(\d+)\.json$/.exec(name)?.[1])
      .filter((number) => number !== undefined)
      .sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1));
    for (const number of numbers.slice(MAX_CHECKPOINTS)) {
      rmSync(join(this.#folder, `checkpoint-${number}.json`), { force: true });
    }
  }

  #complain(error: unknown): void {
    const { clock, logger } = this.#deps;
    if (clock.monotonicMs() < this.#complainAtMs) return;
    this.#complainAtMs = clock.monotonicMs() + COMPLAINT_INTERVAL_MS;
    logger.warn(
      { code: errorCode(error), err: error },
      'the upkeep of the audit log failed; it is tried again',
    );
  }
}

/** Lets everybody else have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

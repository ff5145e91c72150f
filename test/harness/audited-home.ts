/** A home's floors with the journal a signer writes beside them, opened and closed as a test likes. */
import { createHash } from 'node:crypto';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { AuditJournal } from '@privval/signer/audit/audit-journal';
import type { SqlRow } from '@privval/signer/guard/home-transaction';
import type { Step } from '@privval/signer/guard/hrs';
import type { Decision } from '@privval/signer/guard/sign-state-store';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import Database from 'better-sqlite3';
import { ManualClock } from './manual-clock.ts';
import { RecordingLogger } from './recording-logger.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { CHAIN, hrs, signBytesOf } from './sign-requests.ts';

/** An open store and its journal. */
export interface OpenAudited extends AsyncDisposable {
  readonly store: SqliteSignStateStore;
  readonly journal: AuditJournal;
}

/** Every column of an entry. */
export interface StoredEntry {
  readonly seq: bigint;
  readonly time_ms: bigint;
  readonly kind: string;
  readonly validator: string | null;
  readonly height: bigint | null;
  readonly round: bigint | null;
  readonly step: bigint | null;
  readonly sign_hash: Uint8Array | null;
  readonly body: string;
  readonly hash: Uint8Array;
}

/** The key of a validator of tests. */
export function keyOf(index: number): Uint8Array {
  return new Uint8Array(32).fill(index + 1);
}

/** A folder with `floor.db`; validators `v0`, `v1` … */
export class AuditedHome extends ScratchFolder {
  readonly clock: ManualClock = new ManualClock();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly db: string = this.join('floor.db');

  static async make(options: { readonly validators?: number } = {}): Promise<AuditedHome> {
    const home = new AuditedHome();
    await using opened = home.create();
    for (let i = 0; i < (options.validators ?? 1); i++) {
      const fresh = { height: 0n, round: 0, step: 'none' } as const;
      opened.store.addValidator({ name: `v${i}`, chainId: CHAIN, publicKey: keyOf(i) }, fresh);
    }
    return home;
  }

  create(): OpenAudited {
    return this.#opened(SqliteSignStateStore.create);
  }

  open(): OpenAudited {
    return this.#opened(SqliteSignStateStore.open);
  }

  /** What somebody with access to the closed database could do. */
  edit(sql: string): void {
    const db = new Database(this.db);
    try {
      db.exec(sql);
    } finally {
      db.close();
    }
  }

  /** Rows of the closed database. */
  rows<Row>(sql: string): readonly Row[] {
    const db = new Database(this.db);
    try {
      db.defaultSafeIntegers(true);
      return db.prepare<[], Row>(sql).all();
    } finally {
      db.close();
    }
  }

  entries(): readonly StoredEntry[] {
    return this.rows<StoredEntry>('SELECT * FROM audit ORDER BY seq');
  }

  get homeId(): Uint8Array {
    const [home] = this.rows<{ home_id: Uint8Array }>('SELECT home_id FROM home');
    return home?.home_id ?? new Uint8Array();
  }

  /** Codes of the alarms logged so far. */
  get alarms(): readonly unknown[] {
    return this.logger.lines
      .filter(({ fields }) => fields['alarm'] === true)
      .map(({ fields }) => fields['code']);
  }

  #opened(
    open: typeof SqliteSignStateStore.open | typeof SqliteSignStateStore.create,
  ): OpenAudited {
    const { clock, logger } = this;
    const journal = new AuditJournal({ clock, logger });
    const store = open({ clock, logger, journal }, { directory: this.path });
    return {
      store,
      journal,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  }
}

/** Asks the store of `validator` for one position. */
export function reserveOne(
  store: SqliteSignStateStore,
  height: number,
  options: { readonly validator?: string; readonly step?: Step; readonly block?: string } = {},
): Decision | undefined {
  const { validator = 'v0', step = 'prevote', block } = options;
  const at = hrs(height, 0, step);
  const signBytes = signBytesOf({ at, block });
  return store.reserve([{ validator, at, signBytes, asker: 'tcp://node:26659' }])[0];
}

/** What the chain's documentation says, written a second time: the hash every row ought to have. */
export function expectedHashes(
  homeId: Uint8Array,
  entries: readonly StoredEntry[],
): readonly string[] {
  let previous = sha256(Buffer.from(`privval audit log 1\n${hexFromBytes(homeId)}`));
  return entries.map((entry) => {
    const columns = [
      Buffer.from(hexFromBytes(previous)),
      entry.seq,
      entry.time_ms,
      entry.kind,
      entry.validator,
      entry.height,
      entry.round,
      entry.step,
      entry.sign_hash === null ? null : hexFromBytes(entry.sign_hash),
      entry.body,
    ].map((column) => {
      if (column === null) return Buffer.from('-;');
      const bytes = column instanceof Uint8Array ? column : Buffer.from(String(column));
      return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
    });
    previous = sha256(Buffer.concat([Buffer.from('privval audit entry 1\n'), ...columns]));
    return hexFromBytes(previous);
  });
}

/** Decoded bodies by kind. */
export function bodiesOf(
  entries: readonly StoredEntry[] | readonly SqlRow[],
  kind: string,
): unknown[] {
  return entries
    .filter((entry) => entry['kind' as keyof typeof entry] === kind)
    .map((entry) => JSON.parse(String(entry['body' as keyof typeof entry])));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

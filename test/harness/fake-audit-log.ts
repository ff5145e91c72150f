/** An audit log that is a list: for tests of those who write to it or read from it. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import type { AuditEntry, AuditKind } from '@privval/signer/audit/audit-entry';
import type { LivePage } from '@privval/signer/audit/audit-live';
import type {
  AuditLog,
  AuditQuery,
  AuditStatus,
  Summarized,
} from '@privval/signer/audit/audit-log';
import type { Checkpoint } from '@privval/signer/audit/audit-segment';
import type { JournalRow } from '@privval/signer/guard/floor-journal';
import type { JournalDraft } from '@privval/signer/guard/home-transaction';

/** Keeps what it is told, hashes nothing, sums nothing up. */
export class FakeAuditLog implements AuditLog {
  readonly entries: AuditEntry[] = [];
  /** Each call of {@link addUp}, in order. */
  readonly added: Summarized[] = [];
  readonly hasWaiting = false;

  /** Adds an entry, as if somebody had committed it. */
  push<Kind extends AuditKind>(
    kind: Kind,
    body: AuditEntry<Kind>['body'],
    validator?: string,
  ): AuditEntry<Kind> {
    const entry: AuditEntry<Kind> = {
      seq: BigInt(this.entries.length + 1),
      timeMs: 0,
      kind,
      validator,
      position: undefined,
      signHash: undefined,
      body,
      hash: 'ab'.repeat(32),
    };
    this.entries.push(entry);
    return entry;
  }

  addUp(event: Summarized): void {
    this.added.push(event);
  }

  outcome(): void {}
  connection(): void {}
  opened(): void {}
  committed(): void {}
  failed(): void {}

  compose(): readonly JournalRow[] {
    return [];
  }

  composeDrafts(): readonly JournalRow[] {
    return [];
  }

  draftOfFloor(): JournalDraft {
    return { kind: 'floor', body: '{}' };
  }

  holdsPrecommit(): 'unknown' {
    return 'unknown';
  }

  adoptedFloor(): bigint {
    return 0n;
  }

  async query(query: AuditQuery, options: AbortOptions = {}): Promise<readonly AuditEntry[]> {
    options.signal?.throwIfAborted();
    const { afterSeq = 0n, kinds, validator, fromHeight, toHeight, limit = 100 } = query;
    return this.entries
      .filter(
        ({ seq, kind, position, validator: of }) =>
          seq > afterSeq &&
          (kinds === undefined || kinds.includes(kind)) &&
          (validator === undefined || of === validator) &&
          (fromHeight === undefined || BigInt(position?.height ?? -1) >= fromHeight) &&
          (toHeight === undefined || BigInt(position?.height ?? -1) <= toHeight),
      )
      .slice(0, limit);
  }

  async *export(query: AuditQuery, options: AbortOptions = {}): AsyncIterable<string> {
    for (const entry of await this.query({ limit: 1_000, ...query }, options)) {
      yield JSON.stringify({ ...entry, seq: String(entry.seq) });
    }
  }

  async live(): Promise<LivePage> {
    const tail = { seq: String(this.entries.length), hash: 'ab'.repeat(32) };
    return {
      head: {
        format: 'privval audit live 1',
        homeId: '00'.repeat(16),
        first: '1',
        previous: '00'.repeat(32),
        tail,
        floors: [],
        segments: [],
      },
      lines: this.entries.map((entry) => JSON.stringify({ ...entry, seq: String(entry.seq) })),
      nextAfter: null,
    };
  }

  async checkpoint(options: AbortOptions = {}): Promise<Checkpoint> {
    options.signal?.throwIfAborted();
    const seq = String(this.entries.length);
    this.push('checkpoint', { file: 'audit/checkpoint.json', at: seq });
    return {
      format: 'privval audit checkpoint 1',
      homeId: '00'.repeat(16),
      seq,
      hash: 'ab'.repeat(32),
      floors: {},
      time: new Date(0).toISOString(),
      auditKey: '01'.repeat(32),
      signature: '02'.repeat(64),
    };
  }

  status(): AuditStatus {
    return {
      newestSeq: BigInt(this.entries.length),
      newestHash: 'ab'.repeat(32),
      oldestSeq: this.entries.length === 0 ? 0n : 1n,
      bytes: utf8Bytes(JSON.stringify(this.entries.map(({ body }) => body))).length,
      segments: 0,
      newestCheckpointSeq: undefined,
      reserveBytes: 268_435_456,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

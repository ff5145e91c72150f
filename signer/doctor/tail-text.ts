/** The audit log in one line. */
import type { AuditStatus } from '../audit/audit-log.ts';

/** How many entries, since when, how big. */
export function tailOfAudit({ newestSeq, oldestSeq, bytes, segments }: AuditStatus): string {
  const mebibytes = (bytes / 1_048_576).toFixed(1);
  return `entries ${oldestSeq} to ${newestSeq}, ${segments} closed segments, ${mebibytes} MiB (signer audit verify looks at each)`;
}

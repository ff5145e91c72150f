/** What a trace of system calls says about the order of sync and answer (S8, S11, S13). */

/** One finished system call on a file. */
interface Call {
  readonly name: string;
  /** Of the descriptor, or the one that was opened. */
  readonly path: string;
  readonly line: string;
}

/** Calls that put bytes into a file. */
const WRITES = new Set(['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2']);

/** What was found. */
export interface TraceReport {
  /** Answers that carried a signature. */
  readonly answers: number;
  /** Sentences, each with the line of the trace. */
  readonly violations: readonly string[];
  /** How often each file of the home was opened, and closed again, by name. */
  readonly opened: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, number>>;
  /** Writes to the log, and syncs of it, between a request and its answer, of all answers. */
  readonly logWrites: number;
  readonly logSyncs: number;
}

/** The arguments for strace whose output {@link readTrace} understands. */
export function straceTo(path: string): readonly string[] {
  const calls = [...WRITES, 'read', 'fsync', 'fdatasync', 'openat', 'open', 'close'].join(',');
  // -y: the path behind each descriptor; no -f: what matters happens on the main thread.
  return ['strace', '-y', '-s', '96', '-o', path, '-e', `trace=${calls}`];
}

/**
 * Reads a trace of a process that answers on standard output.
 *
 * Rules, for a process that is asked for one new position after the other: between the reading of
 * a request and the writing of its answer the log of the floor is written, every write to it is
 * followed by a sync that has returned (S8), and the mark is written after that sync (S11).
 */
export function readTrace(trace: string): TraceReport {
  const violations: string[] = [];
  const opened: Record<string, number> = {};
  const closed: Record<string, number> = {};
  let answers = 0;
  let logWrites = 0;
  let logSyncs = 0;
  // Since the last request was read:
  let writes = 0;
  let syncs = 0;
  let unsynced = 0;
  let synced = false;
  let marked = false;
  for (const { name, path, line } of calls(trace)) {
    const file = path.split('/').at(-1) ?? '';
    const isLog = file === 'floor.db-wal';
    if (name.startsWith('open')) opened[file] = (opened[file] ?? 0) + 1;
    else if (name === 'close') closed[file] = (closed[file] ?? 0) + 1;
    else if (name === 'read' && /\\"height\\":/.test(line)) {
      synced = false;
      marked = false;
      writes = 0;
      syncs = 0;
    } else if (name.endsWith('sync') && isLog) {
      synced = unsynced > 0;
      unsynced = 0;
      syncs++;
    } else if (WRITES.has(name) && isLog) {
      unsynced++;
      synced = false;
      writes++;
    } else if (WRITES.has(name) && file === 'floor.mark') marked = synced;
    else if (WRITES.has(name) && /"kind\\":\\"signed/.test(line)) {
      answers++;
      if (unsynced > 0) violations.push(`answered before the sync of ${unsynced} writes: ${line}`);
      else if (!synced) violations.push(`answered without a commit: ${line}`);
      else if (!marked) violations.push(`answered before the mark: ${line}`);
      logWrites += writes;
      logSyncs += syncs;
    }
  }
  return { answers, violations, opened, closed, logWrites, logSyncs };
}

/** Calls that succeeded, in order. */
function* calls(trace: string): Generator<Call> {
  for (const line of trace.split('\n')) {
    const call = /^(?:\d+\s+)?(\w+)\((.*)\)\s+= (\d+)(?:<(.*)>)?/.exec(line);
    if (call === null) continue;
    const [, name = '', args = '', , result = ''] = call;
    const path = name.startsWith('open') ? result : (/^\d+<([^>]*)>/.exec(args)?.[1] ?? '');
    yield { name, path, line };
  }
}

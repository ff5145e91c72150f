/** The pipes of a module's process, read and written synchronously: it has nothing else to do. */
import { readSync, writeSync } from 'node:fs';
import { FrameDecoder } from './module-frames.ts';
import { ModuleServer, type ModuleServerDeps } from './module-server.ts';

/** Where requests come from: standard input. */
export const REQUEST_FD = 0;
/** Where answers go: not standard output, since vendors' libraries print there. */
export const ANSWER_FD = 3;
const PIECE_BYTES = 65_536;

/**
 * Signals that reach every process of a terminal or a service. The signer decides what they mean: it
 * finishes the signature under way, and this process with it.
 */
const NOT_OURS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Answers requests until the pipe ends: the signer closed it, or is gone. */
export function serveModule(deps: ModuleServerDeps): void {
  for (const signal of NOT_OURS) process.on(signal, () => undefined);
  const server = new ModuleServer(deps);
  const decoder = new FrameDecoder();
  const piece = new Uint8Array(PIECE_BYTES);
  for (;;) {
    const length = readSync(REQUEST_FD, piece);
    if (length === 0) return;
    for (const frame of decoder.push(piece.subarray(0, length))) {
      writeAll(server.answer(frame));
    }
  }
}

function writeAll(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(ANSWER_FD, bytes, written);
}

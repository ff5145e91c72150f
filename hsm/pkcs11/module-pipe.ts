/** The pipes of a module's process, read and written synchronously: it has nothing else to do. */
import { readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { FrameDecoder } from './module-frames.ts';
import { ModuleServer, type ModuleServerDeps } from './module-server.ts';

/** Where requests come from: standard input. */
export const REQUEST_FD = 0;
/** Where answers go: not standard output, since vendors' libraries print there. */
export const ANSWER_FD = 3;
/** A pipe on which nothing is ever said. It ends with the signer. */
export const LIFE_LINE_FD = 4;
const PIECE_BYTES = 65_536;
/** Memory of the second thread, in MiB. */
const LIFE_LINE_LIMITS = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };

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
  let isWatched = false;
  for (;;) {
    const length = readSync(REQUEST_FD, piece);
    if (length === 0) return;
    for (const frame of decoder.push(piece.subarray(0, length))) {
      writeAll(server.answer(frame));
    }
    // After the first answer, which is waited for.
    if (!isWatched) startLifeLine();
    isWatched = true;
  }
}

/** The thread that ends this process with the signer, even while this one hangs. */
function startLifeLine(): void {
  new Worker(new URL('./life-line.js', import.meta.url), {
    workerData: LIFE_LINE_FD,
    resourceLimits: LIFE_LINE_LIMITS,
  });
}

function writeAll(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(ANSWER_FD, bytes, written);
}

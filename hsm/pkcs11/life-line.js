/**
 * The second thread of a module's process: ends it when the signer is gone, even while the first one
 * hangs in the vendor's library. Plain JavaScript, so that the thread starts at once.
 */
import { readSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

// Nothing is ever written to this pipe: reading ends when the other end is closed, by whatever.
readSync(workerData, new Uint8Array(1));
process.kill(process.pid, 'SIGKILL');

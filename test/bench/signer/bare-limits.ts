/** What the machine itself costs, in the same run: the disk, the disk behind a TCP echo, the signature. */
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { type Percentiles, percentiles } from '../histogram.ts';

/** Bytes written before each sync: a page, as SQLite writes it to its log. */
const RECORD_BYTES = 4096;
/** The file is this long from the start, so that a sync changes no metadata. */
const FILE_BYTES = 4 * 1024 * 1024;

interface PreallocatedFile extends Disposable {
  append(): void;
}

function preallocatedFile(directory: string): PreallocatedFile {
  const file = openSync(join(directory, 'preallocated'), 'w', 0o600);
  writeSync(file, new Uint8Array(FILE_BYTES));
  fsyncSync(file);
  const record = new Uint8Array(randomBytes(RECORD_BYTES));
  let offset = 0;
  return {
    append() {
      writeSync(file, record, 0, RECORD_BYTES, offset);
      fdatasyncSync(file);
      offset = (offset + RECORD_BYTES) % FILE_BYTES;
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** `pwrite` and `fdatasync` of a preallocated file, one after the other. Microseconds. */
export function measureSync(directory: string, count: number): Percentiles {
  using file = preallocatedFile(directory);
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    file.append();
    samples.push((performance.now() - start) * 1000);
  }
  return percentiles(samples);
}

/**
 * The same behind a TCP echo on loopback in this process: 200 bytes there, sync, 200 bytes back,
 * `pauseMs` between two. Microseconds.
 */
export async function measureEchoWithSync(
  directory: string,
  options: { readonly count: number; readonly pauseMs: number },
): Promise<Percentiles> {
  using file = preallocatedFile(directory);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (data) => {
      file.append();
      socket.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new InvariantError('it listens on TCP');
  const socket: Socket = connect({ port: bound.port, host: '127.0.0.1', noDelay: true });
  const message = new Uint8Array(200);
  const samples: number[] = [];
  for (let i = 0; i < options.count; i++) {
    if (options.pauseMs > 0) await delay(options.pauseMs);
    const start = performance.now();
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write(message);
    await answered;
    samples.push((performance.now() - start) * 1000);
  }
  socket.destroy();
  server.close();
  return percentiles(samples);
}

/** One libsodium signature over 122 bytes with the key in guarded memory. Microseconds. */
export function measureSignature(count: number): Percentiles {
  using key = Ed25519SecretKey.generate();
  const message = new Uint8Array(randomBytes(122));
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    key.sign(message);
    samples.push((performance.now() - start) * 1000);
  }
  return percentiles(samples);
}
